"""What the azurerm provider must reach before it can plan, on loopback: the metadata and token endpoints, and reads of the
user-assigned identities that another root would have made. Everything else is 404, as in an empty subscription. Nothing
leaves the machine and nothing is created."""
import base64
import hashlib
import http.server
import json
import pathlib
import re
import ssl
import subprocess
import threading
import time
import urllib.parse
import uuid

TENANT = "22222222-2222-2222-2222-222222222222"
IDENTITY = re.compile(r"(/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity"
                      r"/userAssignedIdentities/([^/?]+))", re.IGNORECASE)


def principal_id(identity):
    """The principal id that the stub gives an identity: a function of its name, so that plans can be checked."""
    return str(uuid.UUID(bytes=hashlib.sha256(identity.encode()).digest()[:16]))


def token(base):
    def encode(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    now = int(time.time())
    claims = {"aud": base, "iss": base, "oid": principal_id("deploy"), "tid": TENANT, "appid": principal_id("client"),
              "sub": "stub", "iat": now, "nbf": now, "exp": now + 3600, "idtyp": "app"}
    return encode({"alg": "none", "typ": "JWT"}) + "." + encode(claims) + ".none"


def metadata(base):
    return {"name": "AzureCloud", "resourceManager": base, "microsoftGraphResourceId": base, "graph": base, "portal": base,
            "gallery": base, "batch": base, "media": base, "sqlManagement": base, "activeDirectoryDataLake": base,
            "vmImageAliasDoc": base,
            "authentication": {"loginEndpoint": base, "audiences": [base], "tenant": "common", "identityProvider": "AAD"},
            "suffixes": {"storage": "core.windows.net", "keyVaultDns": "vault.azure.net", "acrLoginServer": "azurecr.io",
                         "sqlServerHostname": "database.windows.net", "cosmosDBDNS": "documents.azure.com"}}


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        base = self.server.base
        identity = IDENTITY.fullmatch(urllib.parse.urlparse(self.path).path)
        if self.path.startswith("/metadata/endpoints"):
            status, body = 200, metadata(base)
        elif "/oauth2/" in self.path:
            status, body = 200, {"token_type": "Bearer", "expires_in": 3600, "access_token": token(base)}
        elif identity and self.command == "GET":
            status, body = 200, {"id": identity[1], "name": identity[2], "location": "westeurope",
                                 "properties": {"principalId": principal_id(identity[2]), "tenantId": TENANT,
                                                "clientId": principal_id("client of " + identity[2])}}
        else:
            status, body = 404, {"error": {"code": "ResourceNotFound", "message": self.path}}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

    def log_message(self, *args):
        pass


class AzureStub:
    """Serves while it is entered; `environment` is what Terraform needs to find it."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.certificate, key = folder / "stub.pem", folder / "stub.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", self.certificate, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        port = self.server.server_address[1]
        self.server.base = f"https://localhost:{port}"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.environment = {
            "ARM_METADATA_HOSTNAME": f"localhost:{port}", "SSL_CERT_FILE": str(self.certificate),
            "ARM_CLIENT_ID": principal_id("client"), "ARM_CLIENT_SECRET": "stub", "ARM_TENANT_ID": TENANT,
            "ARM_RESOURCE_PROVIDER_REGISTRATIONS": "none"}

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
