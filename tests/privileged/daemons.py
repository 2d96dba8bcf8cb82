"""NetworkManager and ModemManager on the bus of DBUS_SYSTEM_BUS_ADDRESS, as python3-dbusmock plays them.

Usage: daemons.py CASE DIRECTORY. Makes DIRECTORY/ready when the case stands, and ends with its parent's
standard input.
"""

import pathlib
import subprocess
import sys
import time

import dbus

MOCK = "org.freedesktop.DBus.Mock"
NM = "org.freedesktop.NetworkManager"
NM_OBJECT = "/org/freedesktop/NetworkManager"
DEVICE = NM + ".Device"
MM = "org.freedesktop.ModemManager1"
MM_OBJECT = "/org/freedesktop/ModemManager1"
MODEM_OBJECT = MM_OBJECT + "/Modem/0"
ACTIVATED = 100
# Must stand nowhere in what the agent says or keeps.
SERIAL = "356938035643809"
SSID = "Sokha-Home-WiFi"

started = []


def start(*arguments):
    """A daemon of dbusmock, once it has its name."""
    command = [sys.executable, "-m", "dbusmock", "--system", *arguments]
    started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))


def mock(bus, name, path):
    """The object to play with, as soon as its daemon has its name."""
    deadline = time.monotonic() + 30
    while not bus.name_has_owner(name):
        if time.monotonic() > deadline:
            sys.exit(f"{name} does not come up")
        time.sleep(0.05)
    return dbus.Interface(bus.get_object(name, path), MOCK)


def properties(bus, name, path, interface, values):
    """Sets properties that the object has, and gives it those that it lacks."""
    theirs = dbus.Interface(bus.get_object(name, path), dbus.PROPERTIES_IFACE)
    for key, value in values.items():
        try:
            theirs.Set(interface, key, value)
        except dbus.DBusException:
            one = dbus.Dictionary({key: value}, signature="sv")
            mock(bus, name, path).AddProperties(interface, one)


def network_manager(bus):
    start("--template", "networkmanager")
    # The template's own methods stand on the object that it was given.
    return mock(bus, NM, "/org/freedesktop")


def mobile(bus):
    """A modem by both daemons: LTE, its signal told, the line guessed to cost by volume."""
    device = network_manager(bus).AddEthernetDevice("modem0", "wwan0", ACTIVATED)
    of_a_modem = {"DeviceType": dbus.UInt32(8), "Metered": dbus.UInt32(3), "Udi": MODEM_OBJECT}
    properties(bus, NM, device, DEVICE, of_a_modem)
    modem_manager(bus)


def modem_manager(bus):
    """A modem of the second daemon alone."""
    start("--is-object-manager", MM, MM_OBJECT, MM)
    port = dbus.Struct(("wwan0", dbus.UInt32(2)), signature="su")
    mock(bus, MM, MM_OBJECT).AddObject(
        MODEM_OBJECT,
        MM + ".Modem",
        dbus.Dictionary(
            {
                "AccessTechnologies": dbus.UInt32(1 << 14),
                "Ports": dbus.Array([port], signature="(su)"),
                "EquipmentIdentifier": SERIAL,
            },
            signature="sv",
        ),
        dbus.Array([], signature="(ssss)"),
    )
    signal = {"rsrp": -95.0, "rsrq": -10.5, "snr": 12.25, "rssi": -67.0}
    properties(
        bus,
        MM,
        MODEM_OBJECT,
        MM + ".Modem.Signal",
        {"Lte": dbus.Dictionary(signal, signature="sv")},
    )


def wifi(bus):
    """A Wi-Fi link that somebody said does not cost by volume."""
    manager = network_manager(bus)
    device = manager.AddWiFiDevice("wifi0", "wwan0", ACTIVATED)
    point = manager.AddAccessPoint(
        device, "ap0", SSID, "00:23:f8:7e:12:bb", 2, 2412, 144_400, 80, 0x100
    )
    properties(
        bus,
        NM,
        device,
        DEVICE + ".Wireless",
        {"Bitrate": dbus.UInt32(144_400), "ActiveAccessPoint": dbus.ObjectPath(point)},
    )
    properties(bus, NM, device, DEVICE, {"Metered": dbus.UInt32(2)})


def odd(bus):
    """Values of other types than documented."""
    device = network_manager(bus).AddEthernetDevice("modem0", "wwan0", ACTIVATED)
    properties(bus, NM, device, DEVICE, {"Metered": "perhaps", "Udi": dbus.Array([1, 2], signature="i")})


def slow(bus):
    """Daemons that take every question and answer none of them."""
    for name, path in ((NM, NM_OBJECT), (MM, MM_OBJECT)):
        start(name, path, name)
        method = ("GetDeviceByIpIface", "s", "o", "import time; time.sleep(600)")
        if name == MM:
            method = ("GetManagedObjects", "", "a{oa{sa{sv}}}", "import time; time.sleep(600)")
        mock(bus, name, path).AddMethod("" if name == NM else "org.freedesktop.DBus.ObjectManager", *method)


def main():
    case, directory = sys.argv[1:]
    try:
        cases = {"mobile": mobile, "modem": modem_manager, "wifi": wifi, "odd": odd, "slow": slow}
        cases[case](dbus.SystemBus())
        pathlib.Path(directory, "ready").touch()
        sys.stdin.read()
    finally:
        for daemon in started:
            daemon.kill()
            daemon.wait()


main()
