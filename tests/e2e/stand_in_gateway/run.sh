#!/bin/sh
# What the real image does that the desk depends on: reads the password from its file, writes its settings, waits for the
# human, and then answers on the port of its trading mode.
set -eu
[ "$(cat "$TWS_PASSWORD_FILE")" = "$(cat /run/secrets/tws_password)" ]
(umask 077 && cat "$TWS_PASSWORD_FILE" > "$IBC_INI")
touch "$TWS_SETTINGS_PATH/jts.ini"
echo "waiting for the login of $TWS_USERID to be approved"
while [ ! -e /tmp/approved ]; do sleep 0.2; done
case $TRADING_MODE in paper) port=4004 ;; live) port=4003 ;; esac
exec atlas gateway simulate --host 0.0.0.0 --port "$port" --hours always --accounts "${STAND_IN_ACCOUNTS:-DU1000001}" --state /tmp/state
