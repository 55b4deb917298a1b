package app

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/cluster"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/journal"
	"github.com/imhook/imhook/internal/ledger"
)

const (
	rulesFile     = "../../deploy/prometheus/imhook.rules.yaml"
	dashboardFile = "../../deploy/grafana/imhook.json"
	runbook       = "https://github.com/imhook/imhook/blob/main/docs/operate.md#"
)

// ruleFile is what of Prometheus' rules is looked at.
type ruleFile struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			For         string            `yaml:"for"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

// dashboard is what of Grafana's model is looked at.
type dashboard struct {
	UID        string `json:"uid"`
	Templating struct {
		List []struct {
			Name  string `json:"name"`
			Query any    `json:"query"`
		} `json:"list"`
	} `json:"templating"`
	Panels []struct {
		ID          int    `json:"id"`
		Type        string `json:"type"`
		Title       string `json:"title"`
		Description string `json:"description"`
		Targets     []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

var (
	metricName = regexp.MustCompile(`\bimhook_[a-z_]+`)
	// suffixes are what a histogram's series have behind its name.
	suffixes = regexp.MustCompile(`_(bucket|sum|count)$`)
	variable = regexp.MustCompile(`\$\{?([a-z_A-Z]+)\}?`)
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// running starts a gateway. has knows its metrics: what it shows, and what it will
// show once something happens.
func running(t *testing.T) (has func(name string) bool) {
	t.Helper()
	r := builtin.New()
	a, err := New(Config{Config: config.Sandbox(r, t.TempDir(), "127.0.0.1:0"), Registry: r, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it registers its metrics, and follows nothing
	a.Follow(ctx, func() (*config.Config, error) { return a.current.Load(), nil }, nil)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return func(name string) bool {
		probe := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: "is there another one of this name?"})
		if err := a.metrics.Register(probe); err != nil {
			return strings.Contains(err.Error(), "previously registered descriptor")
		}
		a.metrics.Unregister(probe)
		return false
	}
}

// member is a journal that is shared, as far as metrics need it.
type member struct{ cluster.Journal }

func (member) Self() journal.Node { return journal.Node{ID: "one"} }

// clustered reports whether a gateway of a cluster has the metric besides.
func clustered(t *testing.T, name string) bool {
	t.Helper()
	metrics := prometheus.NewRegistry()
	if _, err := cluster.New(cluster.Config{Journal: member{}, Metrics: metrics}); err != nil {
		t.Fatal(err)
	}
	err := metrics.Register(prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: "is there another one of this name?"}))
	return err != nil && strings.Contains(err.Error(), "previously registered descriptor")
}

// An endpoint that is removed in one slice and back in another is one series: two of one
// name would cost the whole page.
func TestLedgerMetric_OneValueForAnEndpoint(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(newLedgerCollector(func() []ledger.Account {
		in := []ledger.Entry{{Name: "matched", Events: 2}}
		return []ledger.Account{
			{Kind: ledger.Endpoint, App: "shop", Name: "backend", In: in},
			{Kind: ledger.Endpoint, App: "shop", Name: "backend", Removed: true, In: in},
		}
	}))
	got, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got[0].GetMetric()); n != 1 || got[0].GetMetric()[0].GetGauge().GetValue() != 4 {
		t.Errorf("%v, want one value, 4", got)
	}
}

// What is handed to Prometheus and Grafana speaks of metrics that there are.
func TestDeploy_AlertsAndDashboardNameMetricsThatExist(t *testing.T) {
	t.Parallel()
	has := running(t)
	if has("imhook_no_such_metric") {
		t.Fatal("a metric is said to exist that does not")
	}
	for _, file := range []string{rulesFile, dashboardFile} {
		names := metricName.FindAllString(read(t, file), -1)
		slices.Sort(names)
		names = slices.Compact(names)
		if len(names) < 10 {
			t.Errorf("%s names %d metrics: the pattern is broken", file, len(names))
		}
		for _, name := range names {
			if strings.HasPrefix(name, "imhook_cluster_") {
				if !clustered(t, name) {
					t.Errorf("%s names %s, which a gateway of a cluster does not have", file, name)
				}
				continue
			}
			if !has(name) && !has(suffixes.ReplaceAllString(name, "")) {
				t.Errorf("%s names %s, which a running gateway does not have", file, name)
			}
		}
	}
}

func TestDeploy_EveryAlertSaysWhatItMeansAndWhatToDo(t *testing.T) {
	t.Parallel()
	var f ruleFile
	if err := yaml.Load([]byte(read(t, rulesFile)), &f, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	english, chinese := read(t, "../../docs/operate.md"), read(t, "../../docs/operate.zh-CN.md")
	seen := map[string]bool{}
	for _, g := range f.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Expr == "" || seen[r.Alert] {
				t.Errorf("group %s: alert %q with expression %q has none, or is there twice", g.Name, r.Alert, r.Expr)
			}
			seen[r.Alert] = true
			for _, pair := range []string{"()", "{}", "[]"} {
				if strings.Count(r.Expr, pair[:1]) != strings.Count(r.Expr, pair[1:]) {
					t.Errorf("%s: %s has %s that do not close", r.Alert, r.Expr, pair)
				}
			}
			if r.For != "" {
				if _, err := time.ParseDuration(r.For); err != nil {
					t.Errorf("%s: for: %v", r.Alert, err)
				}
			}
			if s := r.Labels["severity"]; s != "warning" && s != "critical" {
				t.Errorf("%s: severity is %q, want warning or critical", r.Alert, s)
			}
			for _, key := range []string{"summary", "description"} {
				if len(r.Annotations[key]) < 20 {
					t.Errorf("%s: %s is %q, want a sentence", r.Alert, key, r.Annotations[key])
				}
			}
			if want := runbook + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
				t.Errorf("%s: runbook_url is %q, want %s", r.Alert, r.Annotations["runbook_url"], want)
			}
			for page, text := range map[string]string{"operate.md": english, "operate.zh-CN.md": chinese} {
				if strings.Count(text, "\n### "+r.Alert+"\n") != 1 {
					t.Errorf("docs/%s has no heading ### %s, to which its runbook_url leads", page, r.Alert)
				}
			}
		}
	}
	if len(seen) < 15 {
		t.Errorf("found %d alerts, want at least 15", len(seen))
	}
}

func TestDeploy_DashboardIsWhole(t *testing.T) {
	t.Parallel()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, dashboardFile)), &d); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"__rate_interval": true}
	for _, v := range d.Templating.List {
		known[v.Name] = true
	}
	ids := map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d %q has an id that is given twice, or no title", p.ID, p.Title)
		}
		ids[p.ID] = true
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing, or does not say what", p.Title)
		}
		for _, target := range p.Targets {
			for _, m := range variable.FindAllStringSubmatch(target.Expr, -1) {
				if !known[m[1]] {
					t.Errorf("panel %q: %s uses $%s, which there is not", p.Title, target.Expr, m[1])
				}
			}
		}
	}
	if d.UID == "" || len(ids) < 20 {
		t.Errorf("the dashboard %q has %d panels: it was not read", d.UID, len(ids))
	}
}
