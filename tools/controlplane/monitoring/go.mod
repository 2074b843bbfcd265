module tokencheck.dev/monitoring

go 1.26.0

// For its CRDs alone: no package of it is built.
require github.com/prometheus-operator/prometheus-operator v0.85.0
