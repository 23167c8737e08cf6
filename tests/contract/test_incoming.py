"""Films that are dropped into the object store; over a folder, and over each S3 server that this machine has."""

import asyncio
import itertools
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from control.database.engine import open_database
from control.jobs.incoming import Incoming
from ingest.fetch import fetch
from matinee.buckets import notifications
from matinee.buckets.bucket import bucket
from matinee.buckets.client import connect
from matinee.buckets.notifications import Notifications
from matinee.errors import MatineeError, SourceRefused
from matinee.settings import IncomingSettings, StoreSettings
from matinee.storage.object_store import Survey
from protos.v1.catalogue_pb2 import (
    TITLE_STATE_DRAFT,
    TITLE_STATE_PUBLISHED,
    DeleteTitleRequest,
    GetTitleRequest,
    ListTitlesRequest,
    Title,
)
from protos.v1.jobs_pb2 import JOB_STATE_FAILED, JOB_STATE_QUEUED, Job, ListJobsRequest
from protos.v1.subscriptions_pb2 import CreatePlanRequest, Plan
from tests.buckets import new_store
from tests.control_house import House, running_control
from tests.patience import until
from tests.ports import free_port
from tests.services.s3 import S3, servers

pytestmark = pytest.mark.anyio

FILM = bytes(range(256)) * 40
ADMIN = "admin@matinee.local"
AGES = 3_600
MARKS = itertools.count()
SOON = {"account": ADMIN, "poll_seconds": 0.05}


@pytest.fixture(params=["file", *servers()])
def store(request: pytest.FixtureRequest, tmp_path: Path, s3_server: Callable[[str], S3]) -> StoreSettings:
    if request.param == "file":
        return StoreSettings(url=(tmp_path / "objects").as_uri())
    return new_store(s3_server(request.param))


@asynccontextmanager
async def house_at(
    data: Path, store: StoreSettings | None = None, database_url: str = "", **incoming: Any
) -> AsyncIterator[House]:
    """A control that looks for films all the time."""
    told: dict[str, Any] = {"incoming": {**SOON, **incoming}, "database": {"url": database_url}}
    if store:
        secret = store.secret_access_key.get_secret_value()
        told["store"] = {**store.model_dump(), "secret_access_key": secret}
    async with running_control(data, **told) as house:
        yield house


def incoming_of(house: House) -> Path:
    """The folder into which films are dropped."""
    return Path(house.settings.store_url.removeprefix("file://")) / "incoming"


async def drop(house: House, name: str, data: bytes = FILM) -> None:
    """Put a film into the store; in a folder, long ago."""
    await house.store.put(f"incoming/{name}", data)
    if house.settings.store_url.startswith("file://"):
        written = time.time() - AGES
        os.utime(incoming_of(house) / name, (written, written))


async def jobs_of(house: House) -> list[Job]:
    return list((await house.jobs.ListJobs(ListJobsRequest(), metadata=await house.admin())).jobs)


async def title_of(house: House, title_id: str) -> Title:
    return (await house.catalogue.GetTitle(GetTitleRequest(title_id=title_id), metadata=await house.admin())).title


async def one_job(house: House) -> Job:
    """The first job, once there is one."""

    async def some() -> bool:
        return bool(await jobs_of(house))

    await until(some)
    return (await jobs_of(house))[0]


async def gone(house: House) -> bool:
    return not await house.store.list("incoming")


async def looked_again(house: House) -> None:
    """Until the house has looked once more: it takes what is dropped last, last."""
    mark = f"mark {next(MARKS)}.mkv"
    await drop(house, mark)

    async def taken() -> bool:
        return mark in [job.file_name for job in await jobs_of(house)]

    await until(taken)


async def test_a_dropped_film_becomes_a_job_that_finds_it_there(
    store: StoreSettings, tmp_path: Path, migrated_data: Path
) -> None:
    async with house_at(migrated_data, store) as house:
        await drop(house, "2024/Sita Sings.mkv")
        job = await one_job(house)
        assert (job.state, job.title_name, job.file_name) == (JOB_STATE_QUEUED, "Sita Sings", "Sita Sings.mkv")
        lease = await house.leased()
        assert (lease.source_key, lease.size_bytes) == ("incoming/2024/Sita Sings.mkv", len(FILM))
        await fetch(house.store, lease, tmp_path / "source", lambda _: None)
        assert (tmp_path / "source").read_bytes() == FILM


@pytest.fixture
def migrated_data(tmp_path: Path, migrated: Path) -> Path:
    """A data folder with a database."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "matinee.db").write_bytes(migrated.read_bytes())
    return data


async def test_the_file_goes_when_its_title_is_ready(store: StoreSettings, migrated_data: Path) -> None:
    async with house_at(migrated_data, store) as house:
        await drop(house, "film.mkv")
        job = await one_job(house)
        await looked_again(house)
        assert len(await house.store.list("incoming")) == 2
        await house.publish(await house.leased())
        assert (await title_of(house, job.title_id)).state == TITLE_STATE_PUBLISHED

        async def only_the_mark() -> bool:
            return len(await house.store.list("incoming")) == 1

        await until(only_the_mark)


async def test_a_file_that_is_kept_is_taken_once_even_when_its_title_is_deleted(
    store: StoreSettings, migrated_data: Path
) -> None:
    async with house_at(migrated_data, store, afterwards="keep") as house:
        await drop(house, "film.mkv")
        job = await one_job(house)
        await house.publish(await house.leased())
        await house.catalogue.DeleteTitle(DeleteTitleRequest(title_id=job.title_id), metadata=await house.admin())
    async with house_at(migrated_data, store, afterwards="keep") as house:
        await looked_again(house)
        assert [job.file_name.partition(" ")[0] for job in await jobs_of(house)] == ["mark"]
        assert len(await house.store.list("incoming")) == 2


async def test_a_file_that_takes_the_place_of_another_is_a_film_of_its_own(
    store: StoreSettings, tmp_path: Path, migrated_data: Path
) -> None:
    async with house_at(migrated_data, store) as house:
        await drop(house, "film.mkv")
        await one_job(house)
        lease = await house.leased()
        await drop(house, "film.mkv", FILM[1:])

        async def two() -> bool:
            return len(await jobs_of(house)) == 2

        await until(two)
        with pytest.raises(SourceRefused, match="was replaced before it was read"):
            await fetch(house.store, lease, tmp_path / "source", lambda _: None)
        assert (await house.leased()).size_bytes == len(FILM) - 1


async def test_a_film_stays_that_takes_the_place_of_one_whose_title_is_ready_while_control_looks(
    store: StoreSettings, migrated_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_at(migrated_data, store, account="") as house, house.database() as database:
        settings = IncomingSettings(account=ADMIN)
        incoming = Incoming(database, house.store, settings, time.time, settled_seconds=0)
        await drop(house, "film.mkv")
        await incoming.look()
        await house.publish(await house.leased())
        survey = house.store.survey

        async def surveyed(prefix: str) -> Survey:
            found = await survey(prefix)
            await drop(house, "film.mkv", FILM[1:])
            return found

        with monkeypatch.context() as patch:
            patch.setattr(house.store, "survey", surveyed)
            await incoming.look()
        await incoming.look()
        assert (await house.leased()).size_bytes == len(FILM) - 1


async def test_a_film_that_was_taken_away_is_told(tmp_path: Path, migrated_data: Path) -> None:
    async with house_at(migrated_data) as house:
        await drop(house, "film.mkv")
        await one_job(house)
        await house.store.delete(["incoming/film.mkv"])
        with pytest.raises(SourceRefused, match=r"incoming/film\.mkv was removed before it was read"):
            await fetch(house.store, await house.leased(), tmp_path / "source", lambda _: None)


async def test_of_two_controls_and_many_starts_one_job_comes(store: StoreSettings, migrated_data: Path) -> None:
    async with AsyncExitStack() as running:
        houses = [await running.enter_async_context(house_at(migrated_data, store)) for _ in range(2)]
        for number in range(5):
            await drop(houses[0], f"film{number}.mkv")
        for house in houses:
            await looked_again(house)
    async with house_at(migrated_data, store) as house:
        await looked_again(house)
        names = [job.file_name for job in await jobs_of(house)]
    assert len(names) == len(set(names)) == 8


async def test_of_many_looks_at_once_one_takes(database_url: str, tmp_path: Path) -> None:
    data, settings = tmp_path / "house", IncomingSettings(account=ADMIN)
    async with house_at(data, database_url=database_url, account="") as house:
        await drop(house, "film.mkv")
        databases = [await open_database(database_url) for _ in range(4)]
        await asyncio.gather(*(Incoming(each, house.store, settings, time.time).look() for each in databases))
        for each in databases:
            await each.close()
        assert len(await jobs_of(house)) == 1


async def test_a_folder_that_is_not_there_yet_is_nothing_to_complain_of(migrated_data: Path) -> None:
    async with house_at(migrated_data, account="") as house, house.database() as database:
        with capture_logs() as logs:
            await Incoming(database, house.store, IncomingSettings(account=ADMIN), house.clock).look()
        assert not incoming_of(house).exists()
    assert not [line for line in logs if "left alone" in line["event"]]


async def look_after_long(house: House, looking: Incoming, absent: Path) -> None:
    """Have what was taken be absent for hours, and come back as it was."""
    elsewhere = house.settings.data / "elsewhere"
    shutil.move(absent, elsewhere)
    house.clock.turn(2 * AGES)
    await looking.look()
    shutil.move(elsewhere, absent)
    await looking.look()


@pytest.mark.parametrize(("absent", "taken"), [("", 0), ("film.mkv", 1)], ids=["its share", "it alone"])
async def test_a_film_whose_title_was_deleted_is_taken_again_when_it_was_gone_but_not_when_its_share_was(
    migrated_data: Path, absent: str, taken: int
) -> None:
    settings = IncomingSettings(account=ADMIN, afterwards="keep")
    async with house_at(migrated_data, account="") as house, house.database() as database:
        looking = Incoming(database, house.store, settings, house.clock)
        await drop(house, "film.mkv")
        await looking.look()
        title_id = (await one_job(house)).title_id
        await house.publish(await house.leased())
        await house.catalogue.DeleteTitle(DeleteTitleRequest(title_id=title_id), metadata=await house.admin())
        await look_after_long(house, looking, incoming_of(house) / absent)
        assert len(await jobs_of(house)) == taken


async def test_a_film_that_was_gone_while_its_job_waits_is_the_same_film(migrated_data: Path) -> None:
    async with house_at(migrated_data, account="") as house, house.database() as database:
        looking = Incoming(database, house.store, IncomingSettings(account=ADMIN), house.clock)
        await drop(house, "film.mkv")
        await looking.look()
        await look_after_long(house, looking, incoming_of(house) / "film.mkv")
        titles = await house.catalogue.ListTitles(ListTitlesRequest(), metadata=await house.admin())
        assert [title.title_id for title in titles.titles] == [(await one_job(house)).title_id]


async def test_without_an_account_nobody_looks(migrated_data: Path) -> None:
    async with house_at(migrated_data, account="") as house, house.database() as database:
        await drop(house, "film.mkv")
        await Incoming(database, house.store, IncomingSettings(), time.time).run()
        assert not await jobs_of(house)


class Counted(Notifications):
    """Counts how often it is listened to."""

    times = 0

    def wait(self) -> None:
        self.times += 1
        super().wait()


async def test_that_a_bucket_which_is_away_tells_of_nothing_is_said_once(migrated_data: Path) -> None:
    address = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    away = StoreSettings(url="s3://films", endpoint=address, access_key_id="a", secret_access_key=SecretStr("b"))
    listening, settings = Counted(bucket(away), "incoming"), IncomingSettings(account=ADMIN, poll_seconds=0.05)
    async with house_at(migrated_data, account="") as house, house.database() as database:
        incoming = Incoming(database, house.store, settings, time.time, notifications=listening)
        with capture_logs() as logs:
            looking = asyncio.create_task(incoming.run())
            await until(lambda: listening.times > 2)
            looking.cancel()
            await asyncio.wait([looking])
    assert len([line for line in logs if "the bucket tells of nothing" in line["event"]]) == 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (IncomingSettings(account="nobody@films.example"), "incoming.account nobody@films.example is nobody who may"),
        (IncomingSettings(account="viewer@matinee.local"), "nobody who may publish"),
        (IncomingSettings(account=ADMIN, plan="gold"), "incoming.plan gold is no plan"),
    ],
)
async def test_what_is_missing_is_told_and_nothing_taken(
    migrated_data: Path, settings: IncomingSettings, sentence: str
) -> None:
    async with house_at(migrated_data, account="") as house, house.database() as database:
        await house.person("viewer")
        await drop(house, "film.mkv")
        with pytest.raises(MatineeError, match=sentence):
            await Incoming(database, house.store, settings, time.time).look()
        assert not await jobs_of(house)


async def test_films_belong_to_the_account_and_need_the_plan_that_the_settings_name(migrated_data: Path) -> None:
    async with house_at(migrated_data, plan="gold", publish=False) as house:
        plan = Plan(plan_id="gold", name="Gold")
        await house.subscriptions.CreatePlan(CreatePlanRequest(plan=plan), metadata=await house.admin())
        await drop(house, "film.mkv")
        job = await one_job(house)
        await house.publish(await house.leased())
        title = await title_of(house, job.title_id)
        assert (title.state, title.plan_id, bool(title.duration_seconds)) == (TITLE_STATE_DRAFT, "gold", True)
        await until(lambda: gone(house))


async def test_what_is_called_like_no_film_is_told_once_and_stays(migrated_data: Path) -> None:
    async with house_at(migrated_data) as house:
        await drop(house, "notes.txt")
        job = await one_job(house)
        assert (job.state, job.refused, job.title_name) == (JOB_STATE_FAILED, True, "notes")
        assert job.message.startswith("notes.txt is not taken for a film")
        assert await house.lease() is None
        await looked_again(house)
        assert len(await jobs_of(house)) == 2
        assert len(await house.store.list("incoming")) == 2


async def test_a_file_that_is_written_to_is_left_until_it_is_whole(migrated_data: Path) -> None:
    async with house_at(migrated_data) as house:
        await house.store.put("incoming/growing.mkv", FILM)
        await drop(house, "film.mkv.part")
        await looked_again(house)
        assert [job.file_name.partition(" ")[0] for job in await jobs_of(house)] == ["mark"]
        house.clock.turn(11)

        async def taken() -> bool:
            return len(await jobs_of(house)) == 2

        await until(taken)


@pytest.fixture
def oddly_named(s3_server: Callable[[str], S3]) -> StoreSettings:
    """A store in which somebody has dropped a film whose name has two lines."""
    store = new_store(s3_server("seaweedfs"))
    there = bucket(store)
    with closing(connect(there)) as client:
        client.put_object(Bucket=there.name, Key=there.key("incoming/two\nlines.mkv"), Body=FILM)
    return store


@pytest.fixture
def oddly_filled(tmp_path: Path) -> StoreSettings:
    """A folder with a name in Latin-1 and one of two lines, and a link that leads in a circle."""
    incoming = tmp_path / "objects" / "incoming"
    (incoming / "deep").mkdir(parents=True)
    (incoming / "deep" / "again").symlink_to(incoming)
    for name in (b"caf\xe9.mkv", b"two\nlines.mkv"):
        Path(os.fsdecode(os.fsencode(incoming) + b"/" + name)).write_bytes(FILM)
    return StoreSettings(url=(tmp_path / "objects").as_uri())


@pytest.fixture(
    params=[
        ("oddly_named", ["incoming/two\\nlines.mkv"]),
        ("oddly_filled", ["incoming/caf\\xe9.mkv", "incoming/deep/again", "incoming/two\\nlines.mkv"]),
    ],
    ids=["bucket", "folder"],
)
def odd(request: pytest.FixtureRequest) -> tuple[StoreSettings, list[str]]:
    """A store, and the names in it that are of no use."""
    store, names = request.param
    return request.getfixturevalue(store), names


async def test_a_name_that_nobody_can_read_is_told_once_and_the_others_are_taken(
    odd: tuple[StoreSettings, list[str]], migrated_data: Path
) -> None:
    store, names = odd
    with capture_logs() as logs:
        async with house_at(migrated_data, store) as house:
            for name in ("first.mkv", "deep/second.mkv"):
                await drop(house, name)
            for _ in range(2):
                await looked_again(house)
            taken = {job.file_name.partition(" ")[0] for job in await jobs_of(house)}
    assert taken == {"first.mkv", "second.mkv", "mark"}
    assert [line["keys"] for line in logs if "left alone" in line["event"]] == [names]


async def test_minio_tells_of_a_film_at_once(bucket_of_minio: StoreSettings, migrated_data: Path) -> None:
    async with house_at(migrated_data, bucket_of_minio, poll_seconds=AGES) as house:
        for number in range(3):
            await drop(house, f"film{number}.mkv")

            async def taken(wanted: int = number + 1) -> bool:
                await drop(house, ".bell")  # who has only just begun to listen may have missed the film
                return len(await jobs_of(house)) == wanted

            await until(taken)


async def test_a_film_alone_is_taken_though_minio_holds_its_news_back(
    bucket_of_minio: StoreSettings, migrated_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "LISTEN_SECONDS", 1.0)
    async with house_at(migrated_data, bucket_of_minio, poll_seconds=AGES) as house:
        await asyncio.sleep(0.5)  # it has looked, and listens
        await drop(house, "film.mkv")
        await one_job(house)
