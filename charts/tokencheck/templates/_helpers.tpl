{{- define "tokencheck.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tokencheck.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tokencheck.labels" -}}
{{ include "tokencheck.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "tokencheck.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "tokencheck.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "tokencheck.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The operator as the subject of a binding. */}}
{{- define "tokencheck.subject" -}}
- kind: ServiceAccount
  name: {{ include "tokencheck.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* --secrets of the operator: shop/payments-api,shop/payments-readonly,… */}}
{{- define "tokencheck.namedSecrets" -}}
{{- $all := list -}}
{{- range $namespace, $names := .Values.secrets.named -}}
{{- range $names -}}{{- $all = append $all (printf "%s/%s" $namespace .) -}}{{- end -}}
{{- end -}}
{{- join "," $all -}}
{{- end -}}

{{/* The names of the Leases, as the operator makes them: one a shard. */}}
{{- define "tokencheck.leases" -}}
{{- $names := list -}}
{{- if eq (int .Values.shards) 1 -}}
{{- $names = list "tokencheck" -}}
{{- else -}}
{{- range $shard := until (int .Values.shards) -}}{{- $names = append $names (printf "tokencheck-shard-%d" $shard) -}}{{- end -}}
{{- $names = append $names "tokencheck-replicas" -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{/* Not empty where the API server writes on each TokenCheck who asked: Kubernetes 1.36 and newer. */}}
{{- define "tokencheck.stamps" -}}
{{- if and .Values.admission.enabled (.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy") }}yes{{ end }}
{{- end }}
