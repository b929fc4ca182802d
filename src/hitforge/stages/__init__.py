"""The stages of a production: each reads files, writes files and is callable without the workflow engine."""
