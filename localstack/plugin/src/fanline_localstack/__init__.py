"""LocalStack without Docker: functions are processes, DynamoDB is Fanline's engine.

LocalStack finds both by the entry points in pyproject.toml; `localstack/up` switches them on.
"""
