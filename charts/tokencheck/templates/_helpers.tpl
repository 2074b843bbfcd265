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

{{/* What both policies of the stamp must agree on: whose name and groups stand on the TokenCheck afterwards. */}}
{{- define "tokencheck.stampVariables" -}}
- {name: old, expression: "oldObject != null && has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}"}
{{- if include "tokencheck.stamps" . }}
# Who lets a ClusterTokenCheck's TokenCheck go, or claims one, asks for it himself from then on; not where nobody looked at its spec.
- {name: makers, expression: "has(object.metadata.ownerReferences) ? object.metadata.ownerReferences.filter(o, o.apiVersion == 'tokencheck.dev/v1alpha1' && o.kind == 'ClusterTokenCheck' && has(o.controller) && o.controller).map(o, o.uid) : []"}
- {name: makersBefore, expression: "oldObject != null && has(oldObject.metadata.ownerReferences) ? oldObject.metadata.ownerReferences.filter(o, o.apiVersion == 'tokencheck.dev/v1alpha1' && o.kind == 'ClusterTokenCheck' && has(o.controller) && o.controller).map(o, o.uid) : []"}
- {name: changed, expression: "oldObject == null || object.spec != oldObject.spec"}
- {name: asks, expression: "variables.changed || ('tokencheck.dev/requester' in variables.old && variables.makers != variables.makersBefore)"}
# A review by name and groups alone would be about somebody else than who has more than these (scopes, a cloud's assertion).
- {name: named, expression: "!has(request.userInfo.extra) || request.userInfo.extra.all(k, k.startsWith('authentication.kubernetes.io/'))"}
- {name: user, expression: "variables.asks ? (variables.named ? request.userInfo.username : '') : ('tokencheck.dev/requester' in variables.old ? variables.old['tokencheck.dev/requester'] : '')"}
- {name: groups, expression: "variables.asks ? (variables.named && has(request.userInfo.groups) ? request.userInfo.groups.join('\\n') : '') : ('tokencheck.dev/requester-groups' in variables.old ? variables.old['tokencheck.dev/requester-groups'] : '')"}
{{- else }}
- {name: user, expression: "'tokencheck.dev/requester' in variables.old ? variables.old['tokencheck.dev/requester'] : ''"}
- {name: groups, expression: "'tokencheck.dev/requester-groups' in variables.old ? variables.old['tokencheck.dev/requester-groups'] : ''"}
{{- end }}
{{- end }}

{{/* A spec that was looked at has the annotation, empty where nobody could be named: so nobody else writes that either. */}}
{{- define "tokencheck.stamped" -}}
('tokencheck.dev/requester' in variables.old{{ if include "tokencheck.stamps" . }} || variables.asks{{ end }})
{{- end }}

{{/* The TokenChecks of a ClusterTokenCheck say who wrote that: the operator, which makes them, copies its stamp. */}}
{{- define "tokencheck.makes" -}}
{{- $root := first . -}}
{{- if $root.Values.clusterTokenChecks.enabled }}
- {name: not-made-by-the-operator, expression: "request.resource.resource != 'tokenchecks' || request.userInfo.username != '{{ last . }}'"}
{{- end }}
{{- end }}

{{/* Ports of a NetworkPolicy: each of `ports` for each of `protocols`. */}}
{{- define "tokencheck.openPorts" -}}
{{- $protocols := .protocols -}}
{{- range $port := .ports }}{{ range $protocols }}
- {port: {{ $port }}, protocol: {{ . }}}
{{- end }}{{ end }}
{{- end }}

{{/* Labels of the Pod that `helm test` runs. */}}
{{- define "tokencheck.testLabels" -}}
app.kubernetes.io/name: {{ printf "%s-test" (default .Chart.Name .Values.nameOverride | trunc 58 | trimSuffix "-") }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The vendors that values can switch on: those that need neither an address nor credentials. */}}
{{- define "tokencheck.vendors" -}}
[Cloudflare, GitHub, GitLab, HuggingFace, npm, OpenAI, SendGrid, Sentry, Slack, Stripe, TerraformCloud]
{{- end }}

{{/* Ports that are open towards public addresses: those of the values, and that of the vendors which are on. */}}
{{- define "tokencheck.publicPorts" -}}
{{- $ports := list -}}
{{- range .Values.networkPolicy.egress.ports -}}{{- $ports = append $ports (int .) -}}{{- end -}}
{{- range .Values.vendors -}}{{- if .enabled -}}{{- $ports = append $ports 443 -}}{{- end -}}{{- end -}}
{{- uniq $ports | toJson -}}
{{- end }}
