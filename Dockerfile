# `make image` builds bin/rollcall first. Nothing else is needed to run it.
FROM scratch
COPY bin/rollcall /rollcall
USER 65532:65532
ENTRYPOINT ["/rollcall"]
