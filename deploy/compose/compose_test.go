package compose_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats-server/v2/server"
	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/cluster"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/vacant"
)

// eventual is how long something may take that must happen, on machines that do many
// things at once.
const eventual = 3 * time.Minute

// composeFile is what of the compose file is looked at.
type composeFile struct {
	Services map[string]struct {
		Image       string            `yaml:"image"`
		Build       string            `yaml:"build"`
		Hostname    string            `yaml:"hostname"`
		Command     []string          `yaml:"command"`
		Environment map[string]string `yaml:"environment"`
		Ports       []string          `yaml:"ports"`
		Volumes     []string          `yaml:"volumes"`
		Networks    []string          `yaml:"networks"`
		DependsOn   []string          `yaml:"depends_on"`
		StopGrace   string            `yaml:"stop_grace_period"`
	} `yaml:"services"`
	Networks map[string]struct {
		Internal bool `yaml:"internal"`
	} `yaml:"networks"`
	Volumes map[string]any `yaml:"volumes"`
}

// environment reads example.env.
func environment(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("example.env")
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			env[key] = value
		}
	}
	return env
}

// compose reads the compose file with the variables of example.env put in.
func compose(t *testing.T) composeFile {
	t.Helper()
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	env := environment(t)
	put := regexp.MustCompile(`\$\{([A-Z_]+)(:\?[^}]*)?\}`).ReplaceAllStringFunc(string(text), func(v string) string {
		name := regexp.MustCompile(`[A-Z_]+`).FindString(v)
		if env[name] == "" {
			t.Errorf("compose.yaml wants %s, which example.env does not have", name)
		}
		return env[name]
	})
	var f composeFile
	if err := yaml.Unmarshal([]byte(put), &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Services) != 6 {
		t.Fatalf("compose.yaml has %d services, want three gateways and three NATS servers", len(f.Services))
	}
	return f
}

func TestCompose_WhatItNamesIsThere(t *testing.T) {
	t.Parallel()
	f := compose(t)
	ports := map[string]string{}
	for name, s := range f.Services {
		if s.Hostname != name {
			t.Errorf("%s is called %q inside: imhook cluster and the routes say the service's name", name, s.Hostname)
		}
		if d, err := time.ParseDuration(s.StopGrace); err != nil || d < 25*time.Second {
			t.Errorf("%s is killed after %q: a gateway lets its attempts end for 20 s", name, s.StopGrace)
		}
		for _, n := range s.Networks {
			if _, ok := f.Networks[n]; !ok {
				t.Errorf("%s is in network %s, which is not there", name, n)
			}
		}
		if strings.HasPrefix(name, "nats-") && slices.ContainsFunc(s.Networks, func(n string) bool { return !f.Networks[n].Internal }) {
			t.Errorf("%s can be reached from outside", name)
		}
		for _, d := range s.DependsOn {
			if _, ok := f.Services[d]; !ok {
				t.Errorf("%s depends on %s, which is not there", name, d)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if strings.HasPrefix(from, "./") {
				if _, err := os.Stat(from); err != nil {
					t.Errorf("%s mounts %s: %v", name, from, err)
				}
			} else if _, ok := f.Volumes[from]; !ok {
				t.Errorf("%s mounts volume %s, which is not there", name, from)
			}
		}
		for _, p := range s.Ports {
			if ports[p] != "" {
				t.Errorf("%s and %s want port %s", name, ports[p], p)
			}
			ports[p] = name
		}
		if s.Build != "" {
			if _, err := os.Stat(filepath.Join(s.Build, "Dockerfile")); err != nil {
				t.Errorf("%s is built from %s: %v", name, s.Build, err)
			}
		}
	}
}

// gatewayConfig reads the gateways' configuration as one of them would, at NATS
// servers with these addresses.
func gatewayConfig(t *testing.T, f composeFile, urls []string) *config.Config {
	t.Helper()
	text, err := os.ReadFile("imhook.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lookup := func(name string) (string, bool) {
		v, ok := f.Services["gateway-1"].Environment[name]
		return v, ok
	}
	c, err := config.Parse("imhook.yaml", text, config.Options{Registry: builtin.New(), LookupEnv: lookup})
	if err != nil {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(c.Journal.URL, ",") {
		u, err := url.Parse(part)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := f.Services[u.Hostname()]; !ok || u.Port() != "4222" {
			t.Errorf("imhook.yaml looks for NATS at %s, where it is not", part)
		}
	}
	c.Journal.URL = strings.Join(urls, ",")
	c.Listen = "127.0.0.1:0"
	c.DataDir = t.TempDir()
	return c
}

// natsServers starts the three servers in this process as their file says, but for
// addresses and directories, and returns their URLs.
func natsServers(t *testing.T, f composeFile) []string {
	t.Helper()
	vacancy := func() string {
		addr, err := vacant.Addr(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return addr
	}
	at := map[string]string{} // what is nats-1:6222 in a container, by hostname
	for i := range 3 {
		at[fmt.Sprintf("nats-%d", i+1)] = vacancy()
	}
	var urls []string
	for i := range 3 {
		name := fmt.Sprintf("nats-%d", i+1)
		for key, value := range f.Services[name].Environment {
			t.Setenv(key, value)
		}
		o, err := server.ProcessConfigFile("nats.conf")
		if err != nil {
			t.Fatal(err)
		}
		if o.ServerName != name || len(o.Routes) != 3 || !o.SyncAlways || !o.JetStream {
			t.Fatalf("%s has name %q, %d routes, sync always %v, JetStream %v", name, o.ServerName, len(o.Routes), o.SyncAlways, o.JetStream)
		}
		mounted := slices.ContainsFunc(f.Services[name].Volumes, func(v string) bool { return strings.HasSuffix(v, ":"+o.StoreDir) })
		if !mounted {
			t.Errorf("%s keeps its streams in %s, which is no volume", name, o.StoreDir)
		}
		for _, r := range o.Routes {
			if at[r.Hostname()] == "" || r.Port() != strconv.Itoa(o.Cluster.Port) {
				t.Fatalf("%s has a route to %s, where no server is", name, r.Host)
			}
			r.Host = at[r.Hostname()]
		}
		o.Host, o.Port = "127.0.0.1", server.RANDOM_PORT
		o.Cluster.Host, o.Cluster.Port = split(t, at[name])
		o.Cluster.NoAdvertise = true
		o.StoreDir, o.NoLog, o.NoSigs = t.TempDir(), true, true
		o.JetStreamMaxStore, o.JetStreamMaxMemory = 64<<30, 64<<20
		s, err := server.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		if !s.ReadyForConnections(eventual) {
			t.Fatalf("%s takes no clients", name)
		}
		urls = append(urls, s.ClientURL())
	}
	return urls
}

func split(t *testing.T, addr string) (string, int) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return host, n
}

// until waits until ok says so.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), eventual)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s", what, eventual)
		case <-tick.C:
		}
	}
}

// TestCompose_ThreeGatewaysShareAJournal starts what the files describe: the servers
// with their users, permissions and routes, and gateways that take a callback at one
// address and deliver it.
func TestCompose_ThreeGatewaysShareAJournal(t *testing.T) {
	f := compose(t)
	urls := natsServers(t, f)
	token := f.Services["gateway-1"].Environment["IMHOOK_TOKEN"]
	var gateways []*app.App
	for i := range 3 {
		cfg := gatewayConfig(t, f, urls)
		var a *app.App
		// An election among the servers may be under way.
		until(t, fmt.Sprintf("gateway %d starts", i+1), func() bool {
			var err error
			if a, err = app.New(app.Config{Config: cfg, Registry: builtin.New(), Version: "v1", Log: slog.New(slog.DiscardHandler)}); err != nil {
				t.Fatal(err)
			}
			if err = a.Start(t.Context()); err != nil {
				t.Logf("gateway %d: %v", i+1, err)
			}
			return err == nil
		})
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), eventual)
			defer cancel()
			if err := a.Stop(ctx); err != nil {
				t.Errorf("stopping: %v", err)
			}
		})
		gateways = append(gateways, a)
	}
	client := &http.Client{Timeout: time.Minute}
	get := func(a *app.App, path string, v any) bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.Addr()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := client.Do(req)
		if err != nil {
			return false
		}
		defer func() { _ = res.Body.Close() }()
		return res.StatusCode == http.StatusOK && json.UnmarshalRead(res.Body, v) == nil
	}
	until(t, "three gateways know each other", func() bool {
		var v cluster.View
		return get(gateways[2], "/api/v1/cluster", &v) && len(v.Members) == 3
	})
	body := `{"specversion":"1.0","id":"1","source":"/im","type":"user.online","data":{}}`
	until(t, "gateway 3 takes an event", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+gateways[2].Addr()+"/in/try", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/cloudevents+json")
		res, err := client.Do(req)
		if err != nil {
			return false
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode == http.StatusBadRequest {
			t.Fatalf("the event is refused: %s", res.Status)
		}
		return res.StatusCode == http.StatusOK
	})
	until(t, "every gateway lists it", func() bool {
		for _, a := range gateways {
			var list struct {
				Events []struct {
					ID string `json:"id"`
				} `json:"events"`
			}
			if !get(a, "/api/v1/events", &list) || len(list.Events) == 0 {
				return false
			}
		}
		return true
	})
}
