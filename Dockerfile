# The libraries that the web page loads.
FROM node:24-slim AS page
WORKDIR /page
COPY api/web/package.json api/web/package-lock.json api/web/.npmrc ./
RUN npm ci --ignore-scripts --omit=dev

# The image of every worker and of the API: runtime packages only, at the versions and hashes of the lock, as an unprivileged user.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONPATH=/app/src
WORKDIR /app

COPY requirements-runtime.lock ./
RUN pip install --require-hashes -r requirements-runtime.lock

COPY src src
COPY schemas schemas
COPY agents agents
COPY api api
COPY scripts scripts
COPY --from=page /page/node_modules api/web/node_modules
RUN useradd --system --uid 10001 --create-home --home-dir /data relearn

USER relearn
ENV RELEARN_DATA_DIR=/data
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["python", "-m", "relearn.scripts"]
CMD ["--help"]
