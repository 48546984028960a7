"""What people look at and order in a rollout, whatever they use: `ocrctl rollout` or a service."""
