{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{- define "admission.selector" -}}
app.kubernetes.io/name: hallmark-admission
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "admission.image" -}}
{{- if .Values.image.digest -}}
{{ printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else -}}
{{ printf "%s:%s" .Values.image.repository .Values.image.tag }}
{{- end -}}
{{- end }}
