{{- define "service.selector" -}}
app: {{ .Release.Name }}
{{- end }}

{{- define "service.labels" -}}
app: {{ .Release.Name }}
app.kubernetes.io/name: {{ .Release.Name }}
app.kubernetes.io/managed-by: argocd
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
