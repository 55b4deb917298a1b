package deploy_test

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/config"
)

// manifest is what of a Kubernetes object is looked at.
type manifest struct {
	Kind string            `yaml:"kind"`
	Data map[string]string `yaml:"data"`
	Spec struct {
		Ports []struct {
			Port       int    `yaml:"port"`
			TargetPort string `yaml:"targetPort"`
		} `yaml:"ports"`
		Template struct {
			Spec struct {
				Grace      int `yaml:"terminationGracePeriodSeconds"`
				Containers []struct {
					Args  []string `yaml:"args"`
					Ports []struct {
						Name string `yaml:"name"`
						Port int    `yaml:"containerPort"`
					} `yaml:"ports"`
					Startup   probe `yaml:"startupProbe"`
					Readiness probe `yaml:"readinessProbe"`
					Liveness  probe `yaml:"livenessProbe"`
					Mounts    []struct {
						Name string `yaml:"name"`
						Path string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				} `yaml:"containers"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type probe struct {
	HTTPGet struct {
		Path string `yaml:"path"`
		Port string `yaml:"port"`
	} `yaml:"httpGet"`
}

// TestKubernetes_FitsItsConfiguration holds ports, probes, mounts and grace to what the
// configuration in the manifest says.
func TestKubernetes_FitsItsConfiguration(t *testing.T) {
	t.Parallel()
	byKind := map[string]manifest{}
	for doc := range strings.SplitSeq(read(t, "deploy/kubernetes/imhook.yaml"), "\n---\n") {
		var m manifest
		if err := yaml.Unmarshal([]byte(doc), &m); err != nil {
			t.Fatal(err)
		}
		byKind[m.Kind] = m
	}
	var files []string
	c, err := config.Parse("imhook.yaml", []byte(byKind["ConfigMap"].Data["imhook.yaml"]), config.Options{
		Registry: builtin.New(),
		ReadFile: func(name string) ([]byte, error) {
			files = append(files, name)
			return []byte("a-token-for-tests"), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	pod := byKind["StatefulSet"].Spec.Template.Spec
	if len(pod.Containers) != 1 || pod.Grace < 25 {
		t.Fatalf("the pod has %d containers and %d s to end", len(pod.Containers), pod.Grace)
	}
	con := pod.Containers[0]
	for _, path := range append(files, c.DataDir, con.Args[len(con.Args)-1]) {
		mounted := false
		for _, m := range con.Mounts {
			mounted = mounted || strings.HasPrefix(path, m.Path+"/")
		}
		if !mounted {
			t.Errorf("%s is in no volume", path)
		}
	}
	ports := map[string]int{}
	for _, p := range con.Ports {
		ports[p.Name] = p.Port
	}
	if !strings.HasSuffix(c.Listen, ":8420") || ports["callbacks"] != 8420 || !strings.HasSuffix(c.Admin.Listen, ":8421") || ports["admin"] != 8421 {
		t.Errorf("imhook listens at %s and %s, the container at %v", c.Listen, c.Admin.Listen, ports)
	}
	for _, p := range byKind["Service"].Spec.Ports {
		if ports[p.TargetPort] != p.Port {
			t.Errorf("the service sends port %d to %s, which is %d", p.Port, p.TargetPort, ports[p.TargetPort])
		}
	}
	for name, p := range map[string]probe{"startup": con.Startup, "readiness": con.Readiness, "liveness": con.Liveness} {
		want := "/healthz"
		if name == "readiness" {
			want = "/readyz"
		}
		if p.HTTPGet.Path != want || p.HTTPGet.Port != "callbacks" {
			t.Errorf("the %s probe asks %s at %s, want %s at callbacks", name, p.HTTPGet.Path, p.HTTPGet.Port, want)
		}
	}
}
