"""Path templates of `google.api.http` (AIP-127). Their grammar is given in google/api/http.proto.

    Template = "/" Segments [ Verb ] ;
    Segments = Segment { "/" Segment } ;
    Segment  = "*" | "**" | LITERAL | Variable ;
    Variable = "{" FieldPath [ "=" Segments ] "}" ;
    Verb     = ":" LITERAL ;

They are matched against the decoded path, so an encoded slash never reaches a variable of one segment. A value holds no
colon, which belongs to verbs, and no control character.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from matinee.errors import InvalidInput

TOKEN = re.compile(
    r"\{(?P<field>[a-z_][a-z0-9_.]*)(?:=(?P<inner>[^{}]+))?\}|(?P<deep>\*\*)|(?P<one>\*)|(?P<literal>[^*{}]+)"
)
ONE_SEGMENT = r"[^/:\x00-\x1f\x7f]+"
SEGMENTS = r"[^:\x00-\x1f\x7f]+"


@dataclass(frozen=True)
class PathTemplate:
    """A path with variables, such as `/api/v1/titles/{title_id}:play`."""

    text: str

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The field paths of its variables, in order."""
        return tuple(token["field"] for token in self._tokens(self.text) if token["field"])

    @cached_property
    def plain(self) -> str:
        """The template as OpenAPI writes it: variables without patterns."""
        return re.sub(r"\{([^}=]+)=[^}]*\}", r"{\1}", self.text)

    def match(self, path: str) -> dict[str, str] | None:
        """The values of the variables in a decoded path; None when it is another path."""
        found = self._pattern.fullmatch(path)
        return dict(zip(self.fields, found.groups(), strict=True)) if found else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("".join(map(self._expression, self._tokens(self.text))))

    def _expression(self, token: re.Match[str]) -> str:
        if token["field"]:
            return f"({''.join(map(self._expression, self._tokens(token['inner'] or '*')))})"
        if token["deep"]:
            return SEGMENTS
        return ONE_SEGMENT if token["one"] else re.escape(token["literal"])

    def _tokens(self, text: str) -> list[re.Match[str]]:
        tokens = list(TOKEN.finditer(text))
        if not self.text.startswith("/") or "".join(token[0] for token in tokens) != text:
            raise InvalidInput(f"{self.text!r} is not a path template")
        return tokens
