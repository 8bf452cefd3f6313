# SPDX-License-Identifier: Apache-2.0
"""Seeds or downloads one torrent with libtorrent until SIGTERM: libtorrent_client.py TORRENT FOLDER INTERFACE.

With a further word, `encrypted`, it takes encrypted connections only."""

import os
import select
import signal
import sys
import time

import libtorrent

FINISHED = libtorrent.torrent_status.states.seeding


def main():
    torrent, folder, interface = sys.argv[1:4]
    encrypted = sys.argv[4:] == ["encrypted"]
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    session = libtorrent.session({
        "listen_interfaces": interface,
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_incoming_utp": False,
        "enable_outgoing_utp": False,
        # All peers of these tests share one address.
        "allow_multiple_connections_per_ip": True,
        "min_announce_interval": 1,
        "in_enc_policy": int(libtorrent.enc_policy.forced if encrypted else libtorrent.enc_policy.enabled),
        "allowed_enc_level": int(libtorrent.enc_level.rc4 if encrypted else libtorrent.enc_level.both),
        "alert_mask": libtorrent.alert.category_t.all_categories,
    })
    # Not wait_for_alert(): the Python binding of 2.0 looks into the alert that it returns while the session's own thread may
    # move it, and crashes now and then.
    alerts_come, signal_alerts = os.pipe2(os.O_NONBLOCK)
    session.set_alert_fd(signal_alerts)
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(torrent)
    parameters.save_path = folder
    handle = session.add_torrent(parameters)

    def replies_of(milliseconds):
        """Logs what happens for a while; how many answers of the tracker were among it."""
        if select.select([alerts_come], [], [], milliseconds / 1000)[0]:
            os.read(alerts_come, 4096)
        alerts = session.pop_alerts()
        for alert in alerts:
            print(type(alert).__name__, alert.message(), flush=True)
        return sum(isinstance(alert, libtorrent.tracker_reply_alert) for alert in alerts)

    announced = time.monotonic()
    while not stopping:
        replies_of(200)
        # A seeder without peers asks again: the one that it is waiting for may have come meanwhile. By itself it would
        # ask a UDP tracker after a minute at the earliest, whatever the tracker says.
        status = handle.status()
        if status.state == FINISHED and status.num_peers == 0 and time.monotonic() - announced > 2:
            announced = time.monotonic()
            handle.force_reannounce(0, -1, libtorrent.reannounce_flags_t.ignore_min_interval)
    # A session that ends may close its UDP socket before it has said `stopped`; one that pauses waits for the answer.
    handle.unset_flags(libtorrent.torrent_flags.auto_managed)
    handle.pause()
    leaving = time.monotonic()
    while time.monotonic() - leaving < 10 and replies_of(200) == 0:
        pass


main()
