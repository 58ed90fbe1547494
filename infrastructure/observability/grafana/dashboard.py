#!/usr/bin/env python3
"""Prints the dashboard for Grafana's import: dashboard.py >dezky.json. A test compares the file with what this prints."""

import json

TRAFFIC = 'route!~"/healthz|/readyz|/metrics"'
RATE = "[$__rate_interval]"
BUDGET = "0.001"

# Rows of panels: title, unit, and queries by legend. What is drawn as one number has a third member, `now`.
ROWS = {
    "Are people served": [
        ("Ready", "short", {"{{instance}}": "dezky_ready"}, "now"),
        ("Releases", "short", {"{{version}}": "count by (version) (dezky_build_info)"}, "now"),
        (
            "Error budget left (30 days at 99.9 %)",
            "percentunit",
            {
                "left": f'1 - (sum(increase(dezky_http_requests_total{{{TRAFFIC}, status=~"5.."}}[30d])) or vector(0))'
                f" / sum(increase(dezky_http_requests_total{{{TRAFFIC}}}[30d])) / {BUDGET}",
            },
            "now",
        ),
        (
            "Share of failed requests",
            "percentunit",
            {"5 minutes": "dezky:http_errors:ratio_rate5m", "6 hours": "dezky:http_errors:ratio_rate6h"},
        ),
        (
            "Requests a second by status",
            "reqps",
            {"{{status}}": f"sum by (status) (rate(dezky_http_requests_total{{{TRAFFIC}}}{RATE}))"},
        ),
        (
            "Time to the answer",
            "s",
            {
                f"p{percent}": f"histogram_quantile({percent / 100}, sum by (le) "
                f"(rate(dezky_http_request_duration_seconds_bucket{{{TRAFFIC}}}{RATE})))"
                for percent in (50, 95, 99)
            },
        ),
        (
            "Slowest routes, p95",
            "s",
            {
                "{{method}} {{route}}": "topk(5, histogram_quantile(0.95, sum by (method, route, le) "
                f"(rate(dezky_http_request_duration_seconds_bucket{{{TRAFFIC}}}{RATE}))))",
            },
        ),
    ],
    "Limits and refusals": [
        (
            "Requests and connections now",
            "short",
            {
                "requests {{instance}}": "dezky_http_requests_in_flight",
                "connections {{instance}}": "dezky_http_connections",
            },
        ),
        ("Refused by a limit", "reqps", {"{{limit}}": f"sum by (limit) (rate(dezky_http_refused_total{RATE}))"}),
        (
            "Refused by code (401, 403, 429)",
            "reqps",
            {"{{code}}": f"sum by (code) (rate(dezky_http_refusals_total{RATE}))"},
        ),
        (
            "Callers and addresses with a budget in use",
            "short",
            {"{{limit}}": "sum by (limit) (dezky_http_limited_keys)"},
        ),
    ],
    "Store and issuers": [
        (
            "Store operations that failed",
            "ops",
            {"{{operation}} {{kind}}": f"sum by (operation, kind) (rate(dezky_store_errors_total{RATE}))"},
        ),
        ("Age of keys by issuer", "s", {"{{issuer}}": "max by (issuer) (dezky_issuer_keys_age_seconds)"}),
        (
            "Keys by issuer",
            "short",
            {
                "{{issuer}}": "min by (issuer) (dezky_issuer_keys)",
                "{{issuer}} stale": "max by (issuer) (dezky_issuer_keys_stale)",
            },
        ),
    ],
    "Background tasks and systems": [
        ("Failing tasks", "short", {"{{task}}": "max by (task) (dezky_task_failing) == 1"}),
        (
            "Runs of tasks",
            "ops",
            {
                "{{task}}": f"sum by (task) (rate(dezky_task_runs_total{RATE}))",
                "{{task}} failed": f"sum by (task) (rate(dezky_task_failures_total{RATE})) > 0",
            },
        ),
        (
            "Time since the last success",
            "s",
            {"{{task}}": "time() - max by (task) (dezky_task_last_success_timestamp_seconds)"},
        ),
        (
            "Events that wait",
            "short",
            {
                "{{task}}": "max by (task) (dezky_events_waiting)",
                "{{task}} failed": "max by (task) (dezky_events_deferred) > 0",
            },
        ),
        ("Age of the oldest event", "s", {"{{task}}": "max by (task) (dezky_events_oldest_age_seconds)"}),
        (
            "Requests to systems",
            "reqps",
            {"{{system}} {{outcome}}": f"sum by (system, outcome) (rate(dezky_system_requests_total{RATE}))"},
        ),
        (
            "Time of a request to a system",
            "s",
            {
                "{{system}}": f"sum by (system) (rate(dezky_system_request_seconds_total{RATE}))"
                f" / sum by (system) (rate(dezky_system_requests_total{RATE}))",
            },
        ),
        ("Systems that are asked less often", "short", {"{{system}}": "max by (system) (dezky_system_paused)"}),
    ],
    "Component and traces": [
        (
            "Component",
            "short",
            {
                "instances that ended": "sum(increase(dezky_component_deaths_total[1h]))",
                "requests that failed by it": "sum(increase(dezky_component_failures_total[1h]))",
                "swaps": "sum(increase(dezky_component_swaps_total[1h]))",
                "refused": "sum(increase(dezky_component_refusals_total[1h]))",
            },
        ),
        ("Spans that were dropped", "short", {"{{instance}}": "increase(dezky_spans_dropped_total[1h])"}),
    ],
    "Tenants": [
        ("Seats in use", "percentunit", {"{{tenant}}": "topk(20, dezky_tenant_seats_used / (dezky_tenant_seats > 0))"}),
        (
            "Systems that are not ready",
            "short",
            {"{{tenant}} {{system}} {{phase}}": 'dezky_tenant_systems{phase!~"ready|suspended|removed"} > 0'},
        ),
    ],
    "Backups": [
        (
            "Age of the last backup",
            "s",
            {"{{part}} in {{repository}}": "time() - dezky_backup_last_success_timestamp_seconds"},
        ),
        ("Time that a backup took", "s", {"{{part}}": "dezky_backup_duration_seconds"}),
        (
            "Recovery time and point of the last drill",
            "s",
            {
                "time, {{repository}}": "dezky_backup_drill_recovery_seconds",
                "point, {{repository}}": "dezky_backup_drill_age_seconds",
            },
        ),
        (
            "Time since the last proof",
            "s",
            {
                "restored, {{repository}}": "time() - dezky_backup_drill_last_success_timestamp_seconds",
                "read back, {{repository}}": "time() - dezky_backup_check_last_success_timestamp_seconds",
            },
        ),
    ],
}
COLUMNS, WIDTH, HEIGHT = 24, 8, 8


def dashboard() -> dict:
    """The whole document."""
    panels, below = [], 0
    for row, drawn in ROWS.items():
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": row,
                "collapsed": False,
                "panels": [],
                "gridPos": {"x": 0, "y": below, "w": COLUMNS, "h": 1},
            }
        )
        below += 1
        for index, (title, unit, queries, *now) in enumerate(drawn):
            across = COLUMNS // WIDTH
            place = {"x": index % across * WIDTH, "y": below + index // across * HEIGHT, "w": WIDTH, "h": HEIGHT}
            panels.append(panel(len(panels) + 1, title, unit, queries, bool(now), place))
        below += -(-len(drawn) // across) * HEIGHT
    return {
        "uid": "dezky",
        "title": "Dezky",
        "tags": ["dezky"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "panels": panels,
        "templating": {
            "list": [{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}]
        },
    }


def panel(number: int, title: str, unit: str, queries: dict[str, str], now: bool, place: dict) -> dict:
    """A panel with its queries."""
    source = {"type": "prometheus", "uid": "${datasource}"}
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": source,
            "expr": expression,
            "legendFormat": legend,
            "instant": now,
        }
        for index, (legend, expression) in enumerate(queries.items())
    ]
    return {
        "id": number,
        "type": "stat" if now else "timeseries",
        "title": title,
        "datasource": source,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": unit, "min": 0} if unit != "percentunit" else {"unit": unit},
            "overrides": [],
        },
        "targets": targets,
    }


if __name__ == "__main__":
    print(json.dumps(dashboard(), indent=1))
