# PoseCut without a window, for servers and clusters; see docs/how_to/container.md.
#   docker build --target cpu --tag posecut .
#   docker build --target cuda --tag posecut:cuda .

FROM python:3.12-slim-bookworm AS sources
WORKDIR /sources
COPY pyproject.toml README.md LICENSE ./
COPY posecut_core posecut_core
COPY napari_posecut napari_posecut
RUN python -m venv /opt/posecut
ENV PATH=/opt/posecut/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

FROM sources AS cpu-packages
# pyproject.toml says which versions do.
# hadolint ignore=DL3013
RUN python -m pip install '.[export,calibration,sleap,nwb,movement,cluster,remote]'

FROM sources AS cuda-packages
# The libraries of CUDA come with the wheels; the driver is that of the computer.
# hadolint ignore=DL3013
RUN python -m pip install '.[export,calibration,sleap,nwb,movement,cluster,remote]' 'jax[cuda12]'

FROM python:3.12-slim-bookworm AS runtime
RUN useradd --uid 1000 --user-group --create-home posecut && install --directory --owner posecut --group posecut --mode 1777 /data
# What is compiled and downloaded is kept where any user may write, also one that `docker run --user` names.
ENV PATH=/opt/posecut/bin:$PATH PYTHONUNBUFFERED=1 XDG_CACHE_HOME=/tmp/cache HF_HOME=/tmp/cache/huggingface \
    MPLCONFIGDIR=/tmp/cache/matplotlib
USER 1000
WORKDIR /data
ENTRYPOINT ["posecut"]
CMD ["demo"]

FROM runtime AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=cuda-packages /opt/posecut /opt/posecut

FROM runtime AS cpu
COPY --from=cpu-packages /opt/posecut /opt/posecut
