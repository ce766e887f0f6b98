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
