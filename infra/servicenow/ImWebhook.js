/**
 * Script Include "ImWebhook": tells im that a record may have changed.
 *
 * Only the record's id and times are sent; im reads the record itself. The body is built as one string, and that very
 * string is signed and sent:
 *
 *   X-ServiceNow-Signature: sha256=<base64 of HMAC-SHA256(secret, body)>
 *
 * System properties: im.webhook.url, and im.webhook.secret of the type password2. The secret is never logged.
 */
var ImWebhook = Class.create();
ImWebhook.prototype = {
    initialize: function () {
        this.attempts = 4;
        this.timeout = 5000;
    },

    /** Announces a record. Called by the Business Rules. */
    send: function (table, sysId, updatedOn) {
        return this._deliver(table + ' ' + sysId, function (deliveryId, timestamp) {
            return JSON.stringify({
                delivery_id: deliveryId,
                table: table,
                sys_id: sysId,
                sys_updated_on: updatedOn,
                timestamp: timestamp
            });
        });
    },

    /** Sends an event that announces nothing, to try the address and the secret. Run it from Scripts - Background. */
    test: function () {
        return this._deliver('test', function (deliveryId, timestamp) {
            return JSON.stringify({
                delivery_id: deliveryId,
                test: true,
                timestamp: timestamp
            });
        });
    },

    /** True once it was accepted. Each attempt has the same id, so that im takes it once, and a time of its own. */
    _deliver: function (what, bodyOf) {
        var deliveryId = String(gs.generateGUID());
        var outcome = '';
        for (var attempt = 1; attempt <= this.attempts; attempt++) {
            var status = this._post(bodyOf(deliveryId, Math.floor(new Date().getTime() / 1000)));
            if (status >= 200 && status < 300) {
                return true;
            }
            outcome = status > 0 ? 'status ' + status : 'no answer';
            if (!this._mayBeTriedAgain(status)) {
                break;
            }
            this._wait(attempt);
        }
        // A change that is not announced is found by im's next reconciliation.
        gs.error('ImWebhook: delivery ' + deliveryId + ' of ' + what + ' was not accepted: ' + outcome);
        return false;
    },

    /** The status of the answer, 0 without one. */
    _post: function (body) {
        try {
            var request = new sn_ws.RESTMessageV2();
            request.setHttpMethod('post');
            request.setEndpoint(gs.getProperty('im.webhook.url'));
            request.setRequestHeader('Content-Type', 'application/json');
            request.setRequestHeader('X-ServiceNow-Signature', 'sha256=' + this._sign(body));
            request.setRequestBody(body);
            request.setHttpTimeout(this.timeout);
            return Number(request.execute().getStatusCode());
        } catch (error) {
            return 0;
        }
    },

    /** generateMac takes the key in base64 and returns base64. */
    _sign: function (body) {
        var key = GlideStringUtil.base64Encode(gs.getProperty('im.webhook.secret'));
        return new CertificateEncryption().generateMac(key, 'HmacSHA256', body);
    },

    /** Waiting mends no refusal. */
    _mayBeTriedAgain: function (status) {
        return !(status >= 300 && status < 500) || status === 408 || status === 429;
    },

    /** Scoped applications cannot wait: they try again at once. */
    _wait: function (attempt) {
        if (attempt < this.attempts && typeof gs.sleep === 'function') {
            gs.sleep(attempt * 1000);
        }
    },

    type: 'ImWebhook'
};
