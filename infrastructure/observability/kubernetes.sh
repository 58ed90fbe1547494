#!/usr/bin/env bash
# Prints all of this for a cluster: kubernetes.sh | k3s kubectl apply --filename -
#
# Prometheus, Alertmanager, Grafana and node exporter by their common chart, in the namespace that the network policies of
# infrastructure/k3s admit; what it scrapes; the rules and the dashboard from the files of this folder.
set -euo pipefail
cd "$(dirname "$0")"

cat <<'YAML'
apiVersion: v1
kind: Namespace
metadata:
  name: monitoring
---
apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata:
  name: kube-prometheus-stack
  namespace: kube-system
spec:
  chart: kube-prometheus-stack
  repo: https://prometheus-community.github.io/helm-charts
  version: 93.8.0
  targetNamespace: monitoring
  valuesContent: |-
    # k3s has these in one process, which tells of them elsewhere.
    kubeControllerManager: {enabled: false}
    kubeScheduler: {enabled: false}
    kubeProxy: {enabled: false}
    kubeEtcd: {enabled: false}
    grafana:
      admin: {existingSecret: grafana-admin, userKey: user, passwordKey: password}
    prometheus:
      prometheusSpec:
        retention: 45d
        retentionSize: 20GB
        # Everything in the cluster, not only what this chart has made.
        podMonitorSelectorNilUsesHelmValues: false
        ruleSelectorNilUsesHelmValues: false
        storageSpec:
          volumeClaimTemplate:
            spec:
              accessModes: [ReadWriteOnce]
              resources: {requests: {storage: 25Gi}}
    prometheus-node-exporter:
      # Facts of infrastructure/backup and of tenant-facts.sh.
      extraArgs: [--collector.textfile.directory=/textfiles]
      extraHostVolumeMounts:
        - {name: textfiles, hostPath: /var/lib/prometheus/node-exporter, mountPath: /textfiles, readOnly: true}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: dezky
  namespace: monitoring
spec:
  namespaceSelector: {matchNames: [dezky]}
  # Hosts and workers, not the portal: it has no such port.
  selector:
    matchLabels: {app.kubernetes.io/part-of: dezky}
  jobLabel: app.kubernetes.io/part-of
  podMetricsEndpoints:
    - {port: operations, path: /metrics, interval: 15s}
YAML
for rules in rules/*.yaml; do
    case $rules in rules/tests*) continue ;; esac
    printf -- '---\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: dezky-%s\n  namespace: monitoring\nspec:\n' \
        "$(basename "$rules" .yaml)"
    sed 's/^\(.\)/  \1/' "$rules"
done
printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: dezky-dashboard\n  namespace: monitoring\n  labels: {grafana_dashboard: "1"}\n'
printf 'data:\n  dezky.json: |\n'
sed 's/^/    /' grafana/dezky.json
