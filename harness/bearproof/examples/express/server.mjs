// Starts the example APIs on loopback, each with and without TLS.
//
//     EXAMPLE_CERTIFICATE=both.pem node server.mjs

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { annexcloud } from "./annexcloud.mjs";
import { bursagb } from "./bursagb.mjs";
import { hotwax } from "./hotwax.mjs";

const pem = readFileSync(process.env.EXAMPLE_CERTIFICATE);
for (const [app, port] of [[bursagb, 18120], [hotwax, 18122], [annexcloud, 18124]]) {
  http.createServer(app).listen(port, "127.0.0.1");
  https.createServer({ key: pem, cert: pem }, app).listen(port + 1, "127.0.0.1");
}
