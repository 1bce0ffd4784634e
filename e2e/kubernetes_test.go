package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pid1/internal/pages"
)

// podSpec is what is read of a pod. Of a field that is missing here, and so would not
// be replayed, decoding complains.
type podSpec struct {
	ShareProcessNamespace bool        `json:"shareProcessNamespace"`
	InitContainers        []podMember `json:"initContainers"`
	Containers            []podMember `json:"containers"`
	Volumes               []struct {
		Name     string   `json:"name"`
		EmptyDir struct{} `json:"emptyDir"`
	} `json:"volumes"`
}

type podMember struct {
	Name      string   `json:"name"`
	Image     string   `json:"image"`
	Command   []string `json:"command"`
	Args      []string `json:"args"`
	Resources struct{} `json:"resources"`
	Env       []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"env"`
	Ports []struct {
		Name          string `json:"name"`
		ContainerPort int    `json:"containerPort"`
	} `json:"ports"`
	LivenessProbe struct {
		HTTPGet struct {
			Path string `json:"path"`
			Port string `json:"port"` // its name
		} `json:"httpGet"`
	} `json:"livenessProbe"`
	VolumeMounts []struct {
		Name      string `json:"name"`
		MountPath string `json:"mountPath"`
		ReadOnly  bool   `json:"readOnly"`
	} `json:"volumeMounts"`
	SecurityContext struct {
		RunAsUser                *int  `json:"runAsUser"`
		RunAsNonRoot             bool  `json:"runAsNonRoot"`
		ReadOnlyRootFilesystem   bool  `json:"readOnlyRootFilesystem"`
		AllowPrivilegeEscalation *bool `json:"allowPrivilegeEscalation"`
		Capabilities             struct {
			Drop []string `json:"drop"`
		} `json:"capabilities"`
		// RuntimeDefault is what the engine has by itself.
		SeccompProfile struct {
			Type string `json:"type"`
		} `json:"seccompProfile"`
	} `json:"securityContext"`
}

// TestManifests reads the manifests by the types of the Kubernetes API, strictly, and
// replays each pod: the same images, commands, users, restrictions, volumes, network
// and PID namespaces, without a cluster.
func TestManifests(t *testing.T) {
	e := docsEngine(t)
	(&pod{t: t, engine: e}).build()
	looks := map[string]func(*pod){
		"entrypoint": func(p *pod) {
			p.eventually("app", "1 S … 1000 pid1 -- python3 /app/app.py", "pid1top", "tree")
			p.eventually("app", `"verdict":"leaking"`, "pid1top", "doctor", "--json")
		},
		"init-container": func(p *pod) {
			p.eventually("app", "1 S … /opt/pid1/pid1 -- python3 -m http.server", "/opt/pid1/pid1top", "tree")
			// kubectl debug --target joins the container's PID namespace.
			out, err := e.docker("run", "--rm", "--pid=container:"+p.name("app"), "pid1", "/pid1top", "--local", "tree")
			if err != nil || !strings.Contains(out, "/opt/pid1/pid1 -- python3 -m http.server") || !strings.Contains(out, "/pid1top --local tree") {
				p.t.Errorf("%v\n%s", err, out)
			}
		},
		"metrics": func(p *pod) {
			read := "import sys, urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9517' + sys.argv[1]).read().decode())"
			p.eventually("app", `pid1_findings{feed="app",verdict="leaking"} 1`, "python3", "-c", read, "/metrics")
			p.eventually("app", "ok", "python3", "-c", read, "/healthz")
		},
		"shared-pid": func(p *pod) {
			p.eventually("app", "subreaper, PID ", "pid1top")
			p.eventually("watch", `"verdict":"leaking"`, "/pid1top", "--socket", "/feed/app/pid1.sock", "doctor", "--json")
		},
	}
	manifests, err := filepath.Glob("../examples/kubernetes/*.yaml")
	if err != nil || len(manifests) != len(looks) {
		t.Errorf("%d manifests, and %d are looked at (%v)", len(manifests), len(looks), err)
	}
	for name, look := range looks {
		t.Run(name, func(t *testing.T) { look(e.replay(t, name+".yaml")) })
	}
}

// readYAML reads a file of the examples. What v has no field for is an error.
func readYAML(t *testing.T, file string, v any) {
	t.Helper()
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := command("go", "-C", "../examples/kubernetes/check", "run", ".", path)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		t.Fatalf("%s cannot be replayed: %v", file, err)
	}
}

// TestWorkflow does what a runner of GitHub Actions does with the example: it starts
// the job's container with an entrypoint of its own, and runs each step in it.
func TestWorkflow(t *testing.T) {
	var workflow struct {
		Name string `json:"name"`
		On   string `json:"true"` // "on", to a reader of YAML 1.1
		Jobs map[string]struct {
			RunsOn    string `json:"runs-on"`
			Container struct {
				Image   string `json:"image"`
				Options string `json:"options"`
			} `json:"container"`
			Steps []struct {
				Run string `json:"run"`
			} `json:"steps"`
		} `json:"jobs"`
	}
	readYAML(t, "../examples/github-actions/workflow.yaml", &workflow)
	job, ok := workflow.Jobs["test"]
	if !ok || len(job.Steps) == 0 {
		t.Fatalf("there is no job: %+v", workflow)
	}
	e := docsEngine(t)
	p := &pod{t, e, "workflow"}
	p.build()
	args := append([]string{"--detach", "--name=" + p.name("job")}, strings.Fields(job.Container.Options)...)
	p.run(append(args, "--entrypoint=tail", job.Container.Image, "-f", "/dev/null")...)
	for _, step := range job.Steps {
		if out, err := e.docker("exec", p.name("job"), "sh", "-e", "-c", step.Run); err != nil {
			t.Errorf("%s: %v\n%s", step.Run, err, out)
		}
	}
	p.eventually("job", "1 S … /sbin/docker-init -- tail -f /dev/null", "pid1top", "tree")
}

// pod is a replayed pod.
type pod struct {
	t      *testing.T
	engine *Engine
	title  string
}

func (p *pod) name(container string) string { return p.title + "-" + container }

// replay starts a pod's containers.
func (e *Engine) replay(t *testing.T, manifest string) *pod {
	t.Helper()
	var spec podSpec
	readYAML(t, "../examples/kubernetes/"+manifest, &spec)
	p := &pod{t, e, strings.TrimSuffix(manifest, ".yaml")}
	for _, v := range spec.Volumes {
		// An emptyDir is anybody's to write.
		p.run("--rm", "--volume="+p.name(v.Name)+":/v", imagePython, "chmod", "0777", "/v")
	}
	for _, m := range spec.InitContainers {
		p.run(append([]string{"--rm"}, p.arguments(m)...)...)
	}
	pause := p.name("pause")
	if spec.ShareProcessNamespace {
		// The pause process reaps; so does this.
		p.run("--detach", "--name="+pause, "pid1", "/pid1", "--as", "catatonit", "-P")
	}
	for i, m := range spec.Containers {
		args := []string{"--detach", "--name=" + p.name(m.Name)}
		if i > 0 {
			args = append(args, "--network=container:"+p.name(spec.Containers[0].Name))
		}
		if spec.ShareProcessNamespace {
			args = append(args, "--pid=container:"+pause)
		}
		p.run(append(args, p.arguments(m)...)...)
	}
	return p
}

// arguments are those of docker run for one container.
func (p *pod) arguments(m podMember) []string {
	var args []string
	for _, e := range m.Env {
		args = append(args, "--env="+e.Name+"="+e.Value)
	}
	for _, v := range m.VolumeMounts {
		mode := "rw"
		if v.ReadOnly {
			mode = "ro"
		}
		args = append(args, "--volume="+p.name(v.Name)+":"+v.MountPath+":"+mode)
	}
	c := m.SecurityContext
	if c.RunAsUser != nil {
		args = append(args, fmt.Sprintf("--user=%d", *c.RunAsUser))
	}
	if c.RunAsNonRoot && (c.RunAsUser == nil || *c.RunAsUser == 0) {
		p.t.Errorf("%s: nobody in particular is not root", m.Name)
	}
	if c.ReadOnlyRootFilesystem {
		args = append(args, "--read-only")
	}
	if c.AllowPrivilegeEscalation != nil && !*c.AllowPrivilegeEscalation {
		args = append(args, "--security-opt=no-new-privileges")
	}
	for _, name := range c.Capabilities.Drop {
		args = append(args, "--cap-drop="+name)
	}
	command := append(append([]string{}, m.Command...), m.Args...)
	if len(m.Command) > 0 { // it takes the place of the image's entrypoint
		args, command = append(args, "--entrypoint="+command[0]), command[1:]
	}
	return append(append(args, m.Image), command...)
}

// build makes the image of the examples that have one of their own.
func (p *pod) build() {
	p.t.Helper()
	if _, err := p.engine.docker("build", "--quiet", "--tag", "thumbs", "../examples/leaking-app"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pod) run(args ...string) {
	p.t.Helper()
	if _, err := p.engine.docker(append([]string{"run"}, args...)...); err != nil {
		p.t.Fatal(err)
	}
}

// eventually waits until a command in a container says what is wanted.
func (p *pod) eventually(container, want string, cmd ...string) {
	p.t.Helper()
	eventually(p.t, want, func() (bool, string) {
		out, err := p.engine.docker(append([]string{"exec", p.name(container)}, cmd...)...)
		return err == nil && len(pages.Missing(want, out)) == 0, fmt.Sprint(out, err)
	})
}
