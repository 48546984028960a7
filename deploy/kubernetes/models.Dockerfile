# Model files as an image: the shipped repository, which the first Triton puts onto the empty
# volume, or one new version, which the publish job brings.
#
#   docker build -t ocr-rollout/models:0.1.0 -f deploy/kubernetes/models.Dockerfile .
#   docker build -t ocr-rollout/models:crnn-5 --build-arg SOURCE=build/new -f deploy/kubernetes/models.Dockerfile .
#
# SOURCE holds MODEL/VERSION/ folders. Not built where it was written, for lack of a Docker engine.
FROM busybox:1.37.0-musl
ARG SOURCE=model_repository
COPY ${SOURCE} /models
USER 1000:1000
