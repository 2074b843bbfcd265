"""The media types of bodies: whole objects, or as little of them as is needed."""

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
# Spec, data and status never enter the process.
METADATA = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# Who writes knows what stands there now: the answer need not say it again.
WRITTEN = f"{METADATA},{JSON}"
