"""A process's part in a rollout: its view to route by, its counts, its look at what to do."""

from .health import Health
from .member import Member
from .view import View, view_of

__all__ = ["Health", "Member", "View", "view_of"]
