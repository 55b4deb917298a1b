package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/config"
)

// read returns a file of the tree.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDockerfile_CopiesWhatIsThere follows what the image is made of to the tree, and
// holds its user, health check and command to what they must be.
func TestDockerfile_CopiesWhatIsThere(t *testing.T) {
	t.Parallel()
	text := read(t, "Dockerfile")
	for _, want := range []string{"CGO_ENABLED=0", "FROM scratch\n", "USER 65532:65532\n", `CMD ["/usr/bin/imhook", "ready"]`, `CMD ["serve", "--config", "/etc/imhook/imhook.yaml"]`} {
		if !strings.Contains(text, want) {
			t.Errorf("the Dockerfile has no %s", want)
		}
	}
	copied := regexp.MustCompile(`cp (deploy/\S+)`).FindAllStringSubmatch(text, -1)
	if len(copied) == 0 {
		t.Fatal("no file of deploy is copied: the pattern is broken")
	}
	for _, m := range copied {
		read(t, m[1])
	}
	version := regexp.MustCompile(`FROM .*golang:(\S+) AS`).FindStringSubmatch(text)
	if version == nil || !strings.Contains(read(t, "go.mod"), "\ngo "+version[1]) {
		t.Errorf("the image is built with Go %v, which go.mod does not ask for", version)
	}
	for line := range strings.Lines(read(t, ".dockerignore")) {
		if strings.TrimSpace(line) == ".git" {
			t.Error(".dockerignore leaves out .git, of which the binary takes its version")
		}
	}
}

// TestConfigurations_AreAsServeWantsThem reads what the image and the package install.
func TestConfigurations_AreAsServeWantsThem(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]bool{"deploy/docker/imhook.yaml": true, "packaging/deb/imhook.yaml": false} {
		text := read(t, name)
		o := config.Options{Registry: builtin.New(), LookupEnv: func(key string) (string, bool) { return "a-token-for-tests", key == "IMHOOK_TOKEN" }}
		c, err := config.Parse(name, []byte(text), o)
		if err != nil {
			t.Error(err)
			continue
		}
		if open != (string(c.Admin.Token) != "") || open == strings.HasPrefix(c.Listen, "127.") || c.DataDir != "/var/lib/imhook" {
			t.Errorf("%s listens at %s, has a token: %v, and keeps its data in %s", name, c.Listen, c.Admin.Token != "", c.DataDir)
		}
		o.LookupEnv = func(string) (string, bool) { return "", false }
		if _, err := config.Parse(name, []byte(text), o); open && err == nil {
			t.Errorf("%s is taken without a token", name)
		}
	}
	// What is commented out is meant to be taken in.
	text := read(t, "packaging/deb/imhook.yaml")
	taken := regexp.MustCompile(`(?m)^(\s*)# (- \{|admin:|listen:)`).ReplaceAllString(text, "$1$2")
	taken = strings.Replace(taken, "listen: 127.0.0.1:8420\n", "", 1)
	if strings.Count(taken, "\n      - {") != 4 || strings.Count(taken, "\nlisten: 0.0.0.0") != 1 {
		t.Fatalf("the examples are not found: the pattern is broken\n%s", taken)
	}
	o := config.Options{Registry: builtin.New(), ReadFile: func(string) ([]byte, error) { return []byte("a-token-for-tests"), nil }}
	if _, err := config.Parse("imhook.yaml", []byte(taken), o); err != nil {
		t.Errorf("with its examples taken in: %v", err)
	}
}

// unitValue finds a key of the systemd unit.
func unitValue(t *testing.T, key string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + key + `=(.*)$`).FindStringSubmatch(read(t, "packaging/systemd/imhook.service"))
	if m == nil {
		t.Fatalf("the unit has no %s", key)
	}
	return m[1]
}

// TestUnit_FitsThePackage holds the unit to the paths and the user of the package.
func TestUnit_FitsThePackage(t *testing.T) {
	t.Parallel()
	nfpm, postinst := read(t, "packaging/nfpm.yaml"), read(t, "packaging/deb/postinst")
	command := strings.Fields(unitValue(t, "ExecStart"))
	for _, path := range []string{command[0], command[len(command)-1], strings.TrimPrefix(unitValue(t, "EnvironmentFile"), "-")} {
		if !strings.Contains(nfpm, "dst: "+path+",") {
			t.Errorf("the unit names %s, which the package does not install", path)
		}
	}
	if user := unitValue(t, "User"); !strings.Contains(postinst, "adduser --system --group") || !strings.Contains(postinst, " "+user+"\n") {
		t.Errorf("postinst does not make the user %s", user)
	}
	if dir := "/var/lib/" + unitValue(t, "StateDirectory"); !strings.Contains(postinst, dir) {
		t.Errorf("postinst does not make %s", dir)
	}
}
