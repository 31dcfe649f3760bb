"""Files of rows as people and programs write them, opened without being told how they are written."""

from comptoir.sdk.tabular.formats import DateOrder, DecimalMark, currency_in, parse_number, parse_time
from comptoir.sdk.tabular.source import (
    OWN_COLUMNS,
    Dialect,
    MissingSku,
    Options,
    Progress,
    Row,
    Table,
    UnreadableFile,
    Watch,
    open_table,
)
from comptoir.sdk.tabular.survey import Conventions, Survey, Undecided, survey

__all__ = [
    "OWN_COLUMNS",
    "Conventions",
    "DateOrder",
    "DecimalMark",
    "Dialect",
    "MissingSku",
    "Options",
    "Progress",
    "Row",
    "Survey",
    "Table",
    "Undecided",
    "UnreadableFile",
    "Watch",
    "currency_in",
    "open_table",
    "parse_number",
    "parse_time",
    "survey",
]
