"""Availability: probes, budgets, replicas, and the time of upgrades and stops."""

import re

from manifests import ALL, REPOSITORY, Everywhere, containers, hook, name, of, pod, settings, workloads
from network import matches


class Availability(Everywhere):
    def test_everything_is_probed(self):
        for _, workload in self.workloads():
            for container in containers(workload):
                self.assertIn("livenessProbe", container)
                self.assertIn("readinessProbe", container)

    def test_an_eviction_is_always_possible_and_never_takes_two(self):
        for overlay in ALL:
            budgets = of(overlay, "PodDisruptionBudget")
            for workload in workloads(overlay):
                if workload["metadata"]["namespace"] != "dezky":
                    continue
                with self.subTest(overlay=overlay, workload=name(workload)):
                    labels = pod(workload)["metadata"]["labels"]
                    mine = [each for each in budgets if matches(each["spec"]["selector"], labels)]
                    self.assertEqual(1, len(mine))
                    self.assertEqual(1, mine[0]["spec"]["maxUnavailable"])

    def test_several_servers_have_more_than_one_of_each(self):
        for workload in workloads("several-servers"):
            if workload["metadata"]["namespace"] == "dezky":
                self.assertGreaterEqual(workload["spec"]["replicas"], 2, name(workload))
        [database] = of("several-servers", "MongoDBCommunity")
        self.assertTrue(database["spec"]["members"] >= 3 and database["spec"]["members"] % 2)

    def test_an_upgrade_stops_nothing_before_its_successor_is_ready(self):
        for overlay in ALL:
            for deployment in of(overlay, "Deployment"):
                self.assertEqual({"maxUnavailable": 0, "maxSurge": 1}, deployment["spec"]["strategy"]["rollingUpdate"])

    def test_a_pod_has_the_time_that_its_process_takes_to_stop(self):
        source = (REPOSITORY / "handlers/host/src/server/connections.rs").read_text()
        finishing = int(re.search(r"const DRAIN: Duration = Duration::from_secs\((\d+)\);", source)[1])
        for overlay in ALL:
            drain = settings(overlay)["drain_seconds"]
            self.assertGreaterEqual(drain, 5, "balancers notice late")
            for workload in workloads(overlay):
                if workload["metadata"]["namespace"] != "dezky":
                    continue
                takes = max(hook(container) for container in containers(workload))
                args = containers(workload)[0].get("args", [])
                # The portal's server waits 30 s for requests under way.
                takes += drain + finishing if args == ["serve"] else 0 if args == ["worker"] else 30
                with self.subTest(overlay=overlay, workload=name(workload)):
                    self.assertGreaterEqual(pod(workload)["spec"]["terminationGracePeriodSeconds"], takes + 5)
