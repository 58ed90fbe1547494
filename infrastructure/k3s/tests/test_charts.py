"""Values of the charts, and what the settings say of the same things."""

from manifests import ALL, Everywhere, containers, of, settings, values, workloads


class Charts(Everywhere):
    def test_files_are_in_the_bucket_and_metadata_in_a_volume(self):
        for overlay in ALL:
            storage = values(overlay)["ocis"]["services"]["storageusers"]
            self.assertEqual("s3ng", storage["storageBackend"]["driver"])
            self.assertTrue(storage["storageBackend"]["driverConfig"]["s3ng"]["endpoint"].startswith("https://"))
            self.assertIs(storage["persistence"]["enabled"], True)

    def test_images_of_ocis_have_one_version(self):
        for overlay in ALL:
            image = values(overlay)["ocis"]["image"]
            [directory] = [each for each in workloads(overlay) if each["metadata"]["name"] == "ocis-idm"]
            self.assertEqual(f"{image['repository']}:{image['tag']}", containers(directory)[0]["image"])

    def test_the_administrator_of_files_is_the_account_that_dezky_uses(self):
        for overlay in ALL:
            [directory] = [each for each in workloads(overlay) if each["metadata"]["name"] == "ocis-idm"]
            variables = {each["name"]: each.get("value") for each in containers(directory)[0]["env"]}
            self.assertEqual(variables["IDM_ADMIN_USER_ID"], values(overlay)["ocis"]["features"]["externalUserManagement"]["adminUUID"])
            self.assertEqual("admin", settings(overlay)["ocis"]["user"])
            self.assertIs(values(overlay)["ocis"]["features"]["appTokens"]["enabled"], True)

    def test_the_issuer_is_authentiks_application(self):
        for overlay in ALL:
            oidc = settings(overlay)["oidc"]
            authentik = settings(overlay)["authentik"]["url"]
            self.assertTrue(oidc["issuer"].startswith(authentik + "/application/o/") and oidc["issuer"].endswith("/"))
            [portal] = [each for each in workloads(overlay) if each["metadata"]["name"] == "dezky-portal"]
            variables = {each["name"]: each.get("value") for each in containers(portal)[0]["env"]}
            self.assertEqual(variables["NUXT_OIDC_PROVIDERS_OIDC_OPEN_ID_CONFIGURATION"], oidc["issuer"] + ".well-known/openid-configuration")
            self.assertEqual(variables["NUXT_OIDC_PROVIDERS_OIDC_CLIENT_ID"], oidc["audience"])
            self.assertEqual(variables["NUXT_PORTAL_URL"], settings(overlay)["portal"]["url"])
            host = variables["NUXT_DEZKY_API_URL"].removeprefix("http://").split(":")
            self.assertEqual(host[0], "dezky-host.dezky.svc.cluster.local")

    def test_charts_are_installed_where_a_level_is_enforced(self):
        namespaces = {each["metadata"]["name"] for each in of("system", "Namespace")}
        for overlay in ALL:
            for chart in of(overlay, "HelmChart"):
                self.assertIn(chart["spec"]["targetNamespace"], namespaces)
