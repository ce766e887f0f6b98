{{- define "service.selector" -}}
app: {{ .Release.Name }}
{{- end }}

{{- define "service.labels" -}}
app: {{ .Release.Name }}
app.kubernetes.io/name: {{ .Release.Name }}
app.kubernetes.io/managed-by: argocd
{{- end }}

{{- /* Hosts that it answers, as JSON: those it names, or else the edge's where it is the one that answers them. */ -}}
{{- define "service.hosts" -}}
{{- $hosts := .Values.route.hosts }}
{{- if and .Values.route.public (not $hosts) }}
{{- $hosts = .Values.edgeHosts }}
{{- if not $hosts }}
{{- fail "route.public, but the environment has no edge.hosts: name route.hosts" }}
{{- end }}
{{- end }}
{{- range $hosts }}
{{- if and $.Values.edgeHosts (not (has . $.Values.edgeHosts)) }}
{{- fail (printf "route.hosts names %s, which is none of edge.hosts" .) }}
{{- end }}
{{- end }}
{{- $hosts | toJson }}
{{- end }}

{{- /* Series of one version of the service: the pods behind one template hash. */ -}}
{{- define "service.series" -}}
namespace="{{ .Release.Namespace }}",app="{{ .Release.Name }}",rollouts_pod_template_hash="{{ "{{args.hash}}" }}"
{{- end }}

{{- /* How often a version is measured, and what one bad or one empty answer means. */ -}}
{{- define "service.judged" -}}
initialDelay: {{ .Values.canary.initialDelay }}
interval: {{ .Values.canary.interval }}
count: {{ .Values.canary.count }}
failureLimit: 0
inconclusiveLimit: {{ .Values.canary.inconclusiveLimit }}
{{- end }}
