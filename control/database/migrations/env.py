"""Where Alembic enters: it runs the revisions on the connection that `control.database.migration` hands over."""

from alembic import context

from control.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
