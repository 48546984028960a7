"""Pushing the client's metrics as OpenTelemetry: OTLP over HTTP, in JSON.

| module | what it is |
|---|---|
| `section` | the `otlp:` section of the configuration |
| `document` | all series as one request of OTLP 1 |
| `pusher` | the thread that sends it now and then |
| `shown` | where it goes, for people, without what may be a token |
"""
