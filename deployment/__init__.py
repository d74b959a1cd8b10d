"""A deployment file: reading, checking, profiles, backend, hand-over parameters, schema and effective values."""
