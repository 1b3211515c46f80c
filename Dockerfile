# The image of docker-compose.yaml and of deploy/helm-values.yaml, on Airflow's official one. Build it from a clone:
#   docker build --tag erp-feeds:0.1.0 .
FROM apache/airflow:3.3.2-python3.11

COPY --chown=airflow:root requirements.txt requirements-dev.txt /tmp/erp-feeds/
# Every package by its hash; so is uv, which installs the others and builds the project without a download.
RUN cd /tmp/erp-feeds \
    && sed -n '/^uv==/,/[^\\]$/p' requirements-dev.txt > uv.txt \
    && pip install --no-cache-dir --require-hashes -r uv.txt \
    && pip install --no-cache-dir --require-hashes -r requirements.txt

COPY --chown=airflow:root pyproject.toml README.md LICENSE /tmp/erp-feeds/
COPY --chown=airflow:root include/erp_feeds /tmp/erp-feeds/include/erp_feeds
RUN cd /tmp/erp-feeds && uv build --quiet --wheel --out-dir dist \
    && pip install --no-cache-dir --no-deps dist/*.whl && rm -rf /tmp/erp-feeds

COPY --chown=airflow:root dags /opt/airflow/dags
COPY --chown=airflow:root plugins /opt/airflow/plugins
COPY --chown=airflow:root include/merchants /opt/airflow/include/merchants
RUN mkdir -p /opt/airflow/secrets && chmod 0770 /opt/airflow/secrets
# Inboxes of the FTPS server: a new volume takes over the owner.
USER root
RUN mkdir -p /srv/ftps && chown airflow:root /srv/ftps && chmod 0700 /srv/ftps
USER airflow
