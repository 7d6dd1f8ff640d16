"""What dangol.yaml and a playbook may say: pydantic models at the file boundary, every text with its place."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    InstanceOf,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from dangol.diagnostics import Line, Span

TYPES = ("number", "text", "boolean", "instant", "date", "version", "list")
STAGES = ("awareness", "interest", "conversion", "loyalty", "dormant")


class Name(str):
    """A name in a file: a text that knows its place."""

    line: Line
    __slots__ = ("line",)

    @classmethod
    def of(cls, line: Line) -> Name:
        name = cls(line.text)
        name.line = line
        return name

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls)


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _listed(value: Any) -> Any:
    """One or a list of them."""
    return value if isinstance(value, list) or value is None else [value]


def _as_rule(value: Any) -> Any:
    return {"rule": value} if isinstance(value, Line) else value


def _as_rules(value: Any) -> Any:
    return {Name.of(Line.of("rules")): value} if isinstance(value, Line | list) else value


def _as_body(value: Any) -> Any:
    if not isinstance(value, Line):
        return value
    start = value.in_source(Span(0, 0)).start
    return {Name.of(Line("body", value.source, [start] * 5)): value}


def _choice(what: str, options: tuple[str, ...]) -> BeforeValidator:
    def choose(value: Any) -> Any:
        if isinstance(value, Line) and value.text not in options:
            raise PydanticCustomError("choice", "{what}", {"what": what, "options": options})
        return value

    return BeforeValidator(choose)


def _yes(value: Any) -> Any:
    if isinstance(value, Line):
        if value.text.lower() in ("true", "yes", "on"):
            return True
        if value.text.lower() in ("false", "no", "off"):
            return False
        raise PydanticCustomError("choice", "{what}", {"what": "this is", "options": ("true", "false")})
    return value


def _not_empty(line: Line) -> Line:
    if not line.text.strip():
        raise PydanticCustomError("empty", "nothing is written here")
    return line


def _nothing_is_empty(value: Any) -> Any:
    return {} if isinstance(value, Line) and value.text in ("", "~", "null") else value


Text = Annotated[InstanceOf[Line], AfterValidator(_not_empty)]
Lines = Annotated[tuple[Text, ...], BeforeValidator(_listed)]
TypeName = Annotated[InstanceOf[Line], _choice("a type is", TYPES)]
Body = Annotated[dict[Name, Text], BeforeValidator(_as_body)]
MaybeEmpty = BeforeValidator(_nothing_is_empty)
Yes = Annotated[bool, BeforeValidator(_yes)]


# --- playbooks --------------------------------------------------------------------------------------------------


class Segment(Model):
    """A named condition; `basis` and `purpose` say on what ground and for what its customers are addressed."""

    rule: Text
    basis: Text | None = None
    purpose: Text | None = None


class Scenario(Model):
    """`kpi`: the first line is the primary one. `accept`: rule of docs/smart.md → why its warning is accepted."""

    rule: Text
    schedule: Text | None = None
    kpi: Lines = ()
    cap: Lines = ()
    exit: Lines = ()
    holdout: Text | None = None
    again: Text | None = None
    expires: Text | None = None
    limit: Text | None = None
    priority: Text | None = None
    phase: Text | None = None
    winner: Text | None = None
    guardrails: Lines = ()
    on_deadline: Text | None = None
    accept: Annotated[dict[Name, Text], MaybeEmpty] = Field(default_factory=dict)
    quiet: Text | None = None
    enabled: Yes = True


class Playbook(Model):
    """One file under playbooks/. `messages`: message → channel → part (`body` for a plain text) → template."""

    playbook: Text
    owner: Text | None = None
    stage: Annotated[Text, _choice("a stage is", STAGES)] | None = None
    basis: Text | None = None
    purpose: Text | None = None
    timezone: Text | None = None
    holdout: Text | None = None
    limit: Text | None = None
    segments: dict[Name, Annotated[Segment, BeforeValidator(_as_rule)]] = Field(default_factory=dict)
    traits: dict[Name, Text] = Field(default_factory=dict)
    scenarios: dict[Name, Annotated[Scenario, BeforeValidator(_as_rule)]] = Field(default_factory=dict)
    splits: dict[Name, Text] = Field(default_factory=dict)
    messages: dict[Name, dict[Name, Body]] = Field(default_factory=dict)


# --- dangol.yaml ------------------------------------------------------------------------------------------------


class TableModel(Model):
    """Rows in a file of the project (or a glob), or in a table of a database."""

    file: Text | None = None
    format: Annotated[Text, _choice("a format is", ("csv", "jsonl", "parquet"))] | None = None
    database: Text | None = None
    table: Text | None = None
    timezone: Text | None = None
    where: Text | None = None

    @model_validator(mode="after")
    def _one_place(self) -> TableModel:
        if (self.file is None) == (self.database is None):
            raise PydanticCustomError("place", "a source has either `file:` or `database:`")
        if (self.database is None) != (self.table is None):
            raise PydanticCustomError("place", "`database:` and `table:` belong together")
        return self


class CustomersModel(TableModel):
    """`attributes`: attribute → column; without it every column is an attribute of its own name."""

    id: Text | None = None
    attributes: dict[Name, Text] | None = None


class EventsModel(TableModel):
    """`event` is the column with the event's name; or all rows are of the one event `name`. Defaults: columns
    `customer`, `event`, `time`."""

    customer: Text | None = None
    time: Text | None = None
    event: Text | None = None
    name: Text | None = None
    id: Text | None = None
    only: tuple[Text, ...] | None = None
    properties: dict[Name, Text] | None = None

    @model_validator(mode="after")
    def _one_name(self) -> EventsModel:
        if self.name is not None and self.event is not None:
            raise PydanticCustomError(
                "place", "`name:` says that all rows are of one event, `event:` names the column that tells; keep one"
            )
        return self


class Data(Model):
    customers: CustomersModel | None = None
    events: Annotated[tuple[EventsModel, ...], BeforeValidator(_listed)] = ()


MEDIA = ("sms", "alimtalk", "friendtalk", "brand", "push", "email", "other")


class Channel(Model):
    """`address`, `consent`, `night_consent` (to messages at night), `consented_at` (when) and `transaction_at` (when
    the last was over) are attributes; `price` and `lms_price` what a message costs; `hours`: when it takes advertising;
    `approved`: message → its approved Alimtalk template; the rest are `provider` and that provider's settings."""

    model_config = ConfigDict(extra="allow", frozen=True, arbitrary_types_allowed=True)

    address: Text | None = None
    consent: Text | None = None
    night_consent: Text | None = None
    consented_at: Text | None = None
    transaction_at: Text | None = None
    hours: Text | None = None
    approved: Annotated[dict[Name, Text], MaybeEmpty] = Field(default_factory=dict)
    medium: Annotated[Text, _choice("a medium is", MEDIA)] | None = None
    price: Text | None = None
    lms_price: Text | None = None


LAWS = ("kr", "us", "eu")


class Compliance(Model):
    """The rules that messages are held to: of which countries, who sends (`sender`, `postal`: an address), and after
    how long a consent that nobody confirmed ends."""

    rules: Annotated[tuple[Annotated[Text, _choice("rules are those of", LAWS)], ...], BeforeValidator(_listed)] = ()
    sender: Text | None = None
    postal: Text | None = None
    reconfirm: Text | None = None


class Config(Model):
    """dangol.yaml. `events`: event → property → type, with `from` for the name the source uses; `ledger`: a path in the
    project, or `env:NAME` for a variable that holds a PostgreSQL URL; `recipient_timezone`: the attribute with the
    customer's zone; `spread`: over how long what quiet hours held goes out."""

    project: Text
    timezone: Text | None = None
    data: Data = Data()
    attributes: dict[Name, TypeName] = Field(default_factory=dict)
    events: dict[Name, Annotated[dict[Name, Text], MaybeEmpty]] = Field(default_factory=dict)
    groups: dict[Name, tuple[Text, ...]] = Field(default_factory=dict)
    lists: dict[Name, Text] = Field(default_factory=dict)
    channels: dict[Name, Annotated[Channel, MaybeEmpty]] = Field(default_factory=dict)
    compliance: Annotated[Compliance, BeforeValidator(_as_rules)] | None = None
    ledger: Text | None = None
    holdout: Text | None = None
    namespaces: Annotated[dict[Name, Text], MaybeEmpty] = Field(default_factory=dict)
    limit: Text | None = None
    quiet: Text | None = None
    recipient_timezone: Text | None = None
    spread: Text | None = None
    caps: Lines = ()
