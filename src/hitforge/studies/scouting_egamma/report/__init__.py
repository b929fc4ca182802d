"""The chapter of the report."""
