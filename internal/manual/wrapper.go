package manual

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/pflag"
)

// WrapperCompletions writes the completions of a program that takes options and then
// the command line of another, as env(1) does. Cobra's ask the program itself, which
// here is one that must not contain them, and know nothing of what comes behind.
func WrapperCompletions(dir, name string, flags *pflag.FlagSet) error {
	w := wrapper{Name: name}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		arg, text := pflag.UnquoteUsage(f)
		o := option{Long: f.Name, Short: f.Shorthand, Text: text, Takes: f.NoOptDefVal == ""}
		if o.Takes {
			o.Arg = arg
		}
		if words.MatchString(arg) {
			o.Words = strings.ReplaceAll(arg, "|", " ")
		}
		w.Options = append(w.Options, o)
	})
	write := map[string]func(string) error{}
	for folder, t := range map[string]*template.Template{Bash: bash, Zsh: zsh, Fish: fish} {
		write[folder] = func(path string) error {
			var b strings.Builder
			if err := t.Execute(&b, w); err != nil {
				return err
			}
			return os.WriteFile(path, []byte(b.String()), 0o644)
		}
	}
	return completions(dir, name, write)
}

// words is an argument that is one of a few.
var words = regexp.MustCompile(`^[a-z0-9-]+(\|[a-z0-9-]+)+$`)

type wrapper struct {
	Name    string
	Options []option
}

type option struct {
	Long, Short, Text string
	Takes             bool
	Arg, Words        string // of an option that takes an argument
}

// Valued is a shell pattern of the options whose argument is a word of its own.
func (w wrapper) Valued() string {
	var names []string
	for _, o := range w.Options {
		if o.Takes {
			names = append(names, o.Names()...)
		}
	}
	return strings.Join(names, "|")
}

// All is every option as it is typed.
func (w wrapper) All() string {
	var names []string
	for _, o := range w.Options {
		names = append(names, o.Names()...)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// Names are o as it is typed.
func (o option) Names() []string {
	names := []string{"--" + o.Long}
	if o.Short != "" {
		names = append(names, "-"+o.Short)
	}
	return names
}

// Pattern is o as a shell pattern.
func (o option) Pattern() string { return strings.Join(o.Names(), "|") }

// Kind is what can be completed as the argument: words, files, folders, signals,
// users, or nothing.
func (o option) Kind() string {
	switch {
	case o.Words != "":
		return "words"
	case o.Arg == "FILE", strings.HasPrefix(o.Arg, "PATH"):
		return "files"
	case o.Arg == "DIR":
		return "folders"
	case o.Arg == "SIGNAL":
		return "signals"
	case o.Long == "user":
		return "users"
	case o.Long == "group":
		return "groups"
	}
	return ""
}

// Zsh is o for _arguments, once for each of its names.
func (o option) Zsh() []string {
	special := strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`)
	var specs []string
	for _, name := range o.Names() {
		spec := "*" + name
		if o.Takes {
			if strings.HasPrefix(name, "--") {
				spec += "="
			} else {
				spec += "+"
			}
		}
		spec += "[" + special.Replace(o.Text) + "]"
		if o.Takes {
			spec += ":" + special.Replace(o.Arg) + ":" + o.zshAction()
		}
		specs = append(specs, quote(spec))
	}
	return specs
}

func (o option) zshAction() string {
	switch o.Kind() {
	case "words":
		return "(" + o.Words + ")"
	case "files":
		return "_files"
	case "folders":
		return "_files -/"
	case "signals":
		return "_signals"
	case "users":
		return "_users"
	case "groups":
		return "_groups"
	}
	return " "
}

// quote makes text one word of a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func parse(name, text string) *template.Template {
	return template.Must(template.New(name).Funcs(template.FuncMap{"quote": quote}).Parse(text))
}

var bash = parse("bash", `# bash completion for {{.Name}}; behind its options comes a command line of its own

_{{.Name}}()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --) ((i++)); break ;;
            {{.Valued}})
                [[ ${COMP_WORDS[i+1]} != = ]] || ((i++))
                ((i++)) ;;
            -*) ;;
            *) break ;;
        esac
    done
    if ((i < COMP_CWORD)) || [[ $i -eq $COMP_CWORD && $cur != -* ]]; then
        # What bash-completion has for that command, where it is installed.
        if declare -F _comp_command_offset >/dev/null; then
            _comp_command_offset $i
        elif declare -F _command_offset >/dev/null; then
            _command_offset $i
        elif ((i == COMP_CWORD)); then
            COMPREPLY=($(compgen -c -- "$cur"))
        else
            COMPREPLY=($(compgen -f -- "$cur"))
        fi
        return
    fi
    # --option=value are three words to bash.
    [[ $cur == = ]] && cur=
    [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD-2]}
    case $prev in
{{- range .Options}}{{if .Takes}}
        {{.Pattern}})
            {{- if eq .Kind "words"}} COMPREPLY=($(compgen -W '{{.Words}}' -- "$cur")); return ;;
            {{- else if eq .Kind "files"}} compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")); return ;;
            {{- else if eq .Kind "folders"}} compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")); return ;;
            {{- else if eq .Kind "signals"}} COMPREPLY=($(compgen -A signal -- "$cur")); return ;;
            {{- else if eq .Kind "users"}} COMPREPLY=($(compgen -u -- "$cur")); return ;;
            {{- else if eq .Kind "groups"}} COMPREPLY=($(compgen -g -- "$cur")); return ;;
            {{- else}} return ;;
            {{- end}}
{{- end}}{{end}}
    esac
    COMPREPLY=($(compgen -W '{{.All}} --' -- "$cur"))
}
complete -F _{{.Name}} {{.Name}}
`)

var zsh = parse("zsh", `#compdef {{.Name}}
# zsh completion for {{.Name}}; behind its options comes a command line of its own

_arguments -s -S -A '-*' \
{{- range .Options}}{{range .Zsh}}
  {{.}} \
{{- end}}{{end}}
  '(-):command: _command_names -e' \
  '*::arguments: _normal'
`)

var fish = parse("fish", `# fish completion for {{.Name}}; behind its options comes a command line of its own

function __fish_{{.Name}}_options --description 'no command was typed yet'
    set -l words (commandline -opc)
    set -e words[1]
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case --
                return 1
            case {{range .Options}}{{if .Takes}}{{range .Names}}{{.}} {{end}}{{end}}{{end}}
                set skip 1
            case '-*'
            case '*'
                return 1
        end
    end
    return 0
end

complete -c {{.Name}} -f
# The first name must be a short one: what begins with -- is for that function itself.
complete -c {{.Name}} -x -a '(__fish_complete_subcommand{{range .Options}}{{if .Takes}}{{with .Short}} -{{.}}{{end}} --{{.Long}}{{end}}{{end}})'
{{- range .Options}}
complete -c {{$.Name}} -n __fish_{{$.Name}}_options -l {{.Long}}{{with .Short}} -s {{.}}{{end}} -d {{quote .Text}}
{{- if eq .Kind "words"}} -x -a {{quote .Words}}
{{- else if eq .Kind "files"}} -r -F
{{- else if eq .Kind "folders"}} -x -a '(__fish_complete_directories)'
{{- else if eq .Kind "signals"}} -x -a 'HUP INT QUIT USR1 USR2 TERM KILL'
{{- else if eq .Kind "users"}} -x -a '(__fish_complete_users)'
{{- else if eq .Kind "groups"}} -x -a '(__fish_complete_groups)'
{{- else if .Takes}} -x
{{- end}}
{{- end}}
`)
