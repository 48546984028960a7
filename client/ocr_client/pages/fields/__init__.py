"""Fields of receipts and invoices: date, number, seller, total, by rules that people can extend."""

from .rules import NO_RULES, FieldRules, RulesError, load, shipped
from .search import fields_of

__all__ = ["NO_RULES", "FieldRules", "RulesError", "fields_of", "load", "shipped"]
