"""A rollout's data for other programs: what is in its store, as tables with a stable schema.

| module | what it is |
|---|---|
| `tables` | which tables and columns there are |
| `counted`, `written` | their rows: of counts; of documents (reviews, the audit log) |
| `files` | a table as CSV or Parquet, whole or not at all |
"""
