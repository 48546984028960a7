"""The ASGI application: one router for each group of addresses, in one frame."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI

from . import guard, openapi, problems
from .bodies import Bodies
from .frame import Frame
from .routes import events, feedback, health, metrics, pages, reading, review, rollout
from .service import Service
from .stopping import told_of_signals

ROUTERS = (
    health.router,
    metrics.router,
    reading.router,
    rollout.router,
    review.router,
    feedback.router,
    events.router,
    pages.router,
)


def create_app(service: Service) -> FastAPI:
    """service: is closed when the application ends."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with told_of_signals(service.stopping):
            await service.begin()
            yield
        await service.close()

    settings = service.settings
    app = FastAPI(
        title="OCR rollout",
        version="1",
        description=openapi.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.service = service
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app)
    openapi.install(app, settings)
    guard.install(app, settings)
    app.add_middleware(
        Frame,
        bodies=Bodies(
            settings.max_body_bytes,
            most_held=settings.max_body_bytes * settings.concurrency,
            most_s=settings.body_s,
        ),
        observers=service.observers,
    )
    return app
