"""The database of control. The only package that imports SQLAlchemy and Alembic.

The modules beside this one hold the queries, one module for each thing that is stored. Each query takes a `Connection`,
so that a service decides what belongs into one transaction. Times are Unix seconds.
"""

from control.database.engine import Connection, Database

__all__ = ["Connection", "Database"]
