"""What a title needs to be watched: one of the plans that there are, on offer or not."""

from control.database import Connection, plans
from control.database.titles import Title
from matinee.errors import InvalidInput


async def check_plan(connection: Connection, title: Title) -> None:
    """Raise `InvalidInput` when a title needs a plan that does not exist; one that does nobody removes meanwhile."""
    if title.plan_id and await plans.find(connection, title.plan_id, lock=True) is None:
        raise InvalidInput(f"plan_id: there is no plan '{title.plan_id}'; make it first, or see which there are")
