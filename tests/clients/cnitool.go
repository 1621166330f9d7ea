// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only

// cnitool add|check|del NETWORK NETNS: calls plugins by libcni, as the CNI project's own tool of that name does. The
// configuration is in /etc/cni/net.d, capability arguments are JSON in CAP_ARGS.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/containernetworking/cni/libcni"
)

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	list, err := libcni.LoadConfList("/etc/cni/net.d", os.Args[2])
	if err != nil {
		fail(err)
	}
	rt := &libcni.RuntimeConf{ContainerID: "tool-" + strings.ReplaceAll(strings.Trim(os.Args[3], "/"), "/", "-"),
		NetNS: os.Args[3], IfName: "eth0"}
	if args := os.Getenv("CAP_ARGS"); args != "" {
		if err := json.Unmarshal([]byte(args), &rt.CapabilityArgs); err != nil {
			fail(err)
		}
	}
	cni := libcni.NewCNIConfigWithCacheDir([]string{"/opt/cni/bin"}, "/run/cni-cache", nil)
	switch os.Args[1] {
	case "add":
		result, err := cni.AddNetworkList(context.Background(), list, rt)
		if err != nil {
			fail(err)
		}
		result.PrintTo(os.Stdout)
	case "check":
		err = cni.CheckNetworkList(context.Background(), list, rt)
	case "del":
		err = cni.DelNetworkList(context.Background(), list, rt)
	}
	if err != nil {
		fail(err)
	}
}
