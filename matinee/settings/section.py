"""A table of `matinee.toml`."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One table of `matinee.toml`; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
