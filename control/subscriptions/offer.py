"""The plans on offer: that part of SubscriptionService."""

from dataclasses import replace

from typing_extensions import override

from control.callers import caller
from control.database import Connection, Database, plans, playback_sessions, subscriptions, titles
from control.subscriptions import messages
from control.subscriptions.plan import Plan, changed_plan, new_plan, plan_id
from matinee.errors import NotFound, PermissionDenied
from matinee.rpc.server import Context
from matinee.tokens import Clock
from protos.v1 import subscriptions_pb2 as pb
from protos.v1.access_pb2 import ACCESS_ADMIN
from protos.v1.subscriptions_pb2_grpc import SubscriptionServiceServicer


class Offer(SubscriptionServiceServicer):
    """Everybody sees what is on offer; an admin keeps it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    async def ListPlans(self, request: pb.ListPlansRequest, context: Context) -> pb.ListPlansResponse:
        if request.retired and not caller().may(ACCESS_ADMIN):
            raise PermissionDenied("only an admin may see the plans that are off the offer")
        async with self._database.read() as connection:
            found = await plans.in_order(connection, retired=request.retired)
        return pb.ListPlansResponse(plans=map(messages.plan, found))

    @override
    async def CreatePlan(self, request: pb.CreatePlanRequest, context: Context) -> pb.CreatePlanResponse:
        plan = new_plan(request.plan, self._clock())
        async with self._database.write() as connection:
            await plans.add(connection, plan)
        return pb.CreatePlanResponse(plan=messages.plan(plan))

    @override
    async def UpdatePlan(self, request: pb.UpdatePlanRequest, context: Context) -> pb.UpdatePlanResponse:
        async with self._database.write() as connection:
            plan = await known_plan(connection, request.plan_id, lock=True)
            plan = changed_plan(plan, request)
            await plans.save(connection, plan)
            await playback_sessions.review_subscribers(connection, self._clock())
        return pb.UpdatePlanResponse(plan=messages.plan(plan))

    @override
    async def RetirePlan(self, request: pb.RetirePlanRequest, context: Context) -> pb.RetirePlanResponse:
        async with self._database.write() as connection:
            plan = await known_plan(connection, request.plan_id, lock=True)
            had = await subscriptions.any_of_plan(connection, plan.plan_id)
            if had or await titles.any_of_plan(connection, plan.plan_id):
                await plans.save(connection, replace(plan, retired=True))
            else:
                await plans.remove(connection, plan.plan_id)
        return pb.RetirePlanResponse()


async def known_plan(connection: Connection, name: str, *, lock: bool = False) -> Plan:
    """A plan, on offer or not, that nobody changes; with `lock` for who does so. Raises `InvalidInput`, `NotFound`."""
    known_id = plan_id(name)
    plan = await (plans.find(connection, known_id, lock=True) if lock else plans.keep(connection, known_id))
    if plan is None:
        raise NotFound("there is no such plan")
    return plan


async def offered_plan(connection: Connection, name: str) -> Plan:
    """A plan that is on offer. Raises `InvalidInput`, `NotFound`."""
    plan = await known_plan(connection, name)
    if plan.retired:
        raise NotFound("this plan is not on offer any more")
    return plan
