{{- define "wardround.selector" -}}
app.kubernetes.io/name: wardround-coordinator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "wardround.labels" -}}
{{ include "wardround.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
