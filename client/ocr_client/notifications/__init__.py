"""Telling the outside what happens to a rollout.

| module | what it is |
|---|---|
| `section` | the `notifications:` section of the configuration |
| `texts` | a notice in words, English or Chinese |
| `requests` | a notice as each kind of receiver wants it, signed |
| `replies` | what a receiver's answer means: delivered, again later, or refused |
| `delivery` | one message to one target over HTTP |
| `outage` | when a store is lost, and when it is back |
| `notifier` | the thread that leases messages from the outbox and sees to them |
"""
