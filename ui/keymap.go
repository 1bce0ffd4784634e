package ui

// view is one of the screens.
type view uint8

const (
	overview view = iota
	treeView
	zombieView
	reapView
	views
)

var viewNames = [views]string{"Overview", "Tree", "Zombies", "Reaps"}

// where is a set of views.
type where uint8

const (
	inOverview where = 1 << overview
	inTree     where = 1 << treeView
	inZombies  where = 1 << zombieView
	inReaps    where = 1 << reapView
	inLists          = inTree | inZombies | inReaps
	everywhere       = inOverview | inLists
)

func (w where) has(v view) bool { return w&(1<<v) != 0 }

// action is what a key does.
type action uint8

const (
	noAction action = iota
	actUp
	actDown
	actTop
	actBottom
	actPageUp
	actPageDown
	actHalfUp
	actHalfDown
	actView1
	actView2
	actView3
	actView4
	actNextView
	actPrevView
	actFold
	actUnfold
	actToggle
	actZombiesOnly
	actFailures
	actGhosts
	actFilter
	actPause
	actMouse
	actHelp
	actBack
	actQuit
	actInterrupt
	actions
)

// binding is a line of the one table that keys, footer and help come from. A key
// is named as tea.KeyPressMsg.String names it. Ctrl-P and Ctrl-Z are never bound:
// the first is Docker's detach prefix, the second would stop the program where no
// shell continues it.
type binding struct {
	act  action
	keys []string
	show string // the keys as people write them
	in   where
	foot string // word in the footer; empty: not there
	rank int    // in a narrow footer those with the highest stay
	help string
	part string // heading in the help
}

const (
	partMove = "Move"
	partView = "Views"
	partShow = "Show"
	partElse = "Program"
)

var bindings = []binding{
	{actUp, []string{"up", "k"}, "k ↑", inLists, "", 0, "up", partMove},
	{actDown, []string{"down", "j"}, "j ↓", inLists, "", 0, "down", partMove},
	{actPageUp, []string{"pgup", "ctrl+b"}, "PgUp", inLists, "", 0, "a page up", partMove},
	{actPageDown, []string{"pgdown", "ctrl+f"}, "PgDn", inLists, "", 0, "a page down", partMove},
	{actHalfUp, []string{"ctrl+u"}, "^U", inLists, "", 0, "half a page up", partMove},
	{actHalfDown, []string{"ctrl+d"}, "^D", inLists, "", 0, "half a page down", partMove},
	{actTop, []string{"home", "g"}, "g Home", inLists, "", 0, "to the first line", partMove},
	{actBottom, []string{"end", "G"}, "G End", inTree | inZombies, "", 0, "to the last line", partMove},
	{actBottom, []string{"end", "G"}, "G End", inReaps, "newest", 70, "to the newest reap, and stay with it", partMove},

	{actView1, []string{"1"}, "1", everywhere, "", 0, "Overview: what is going on, in figures", partView},
	{actView2, []string{"2"}, "2", everywhere, "", 0, "Tree: every process under its parent", partView},
	{actView3, []string{"3"}, "3", everywhere, "", 0, "Zombies: by the parent that should wait, and why", partView},
	{actView4, []string{"4"}, "4", everywhere, "", 0, "Reaps: every death pid1 saw to, as it happens", partView},
	{actNextView, []string{"tab"}, "Tab", everywhere, "views", 40, "the next view", partView},
	{actPrevView, []string{"shift+tab"}, "S-Tab", everywhere, "", 0, "the view before", partView},

	{actFold, []string{"h", "left"}, "h ←", inTree | inZombies, "", 0, "fold; on a folded line, go to the parent", partShow},
	{actUnfold, []string{"l", "right"}, "l →", inTree | inZombies, "", 0, "unfold; on an unfolded line, go inside", partShow},
	{actToggle, []string{"space", "enter"}, "Space", inTree | inZombies, "fold", 60, "fold or unfold", partShow},
	{actZombiesOnly, []string{"z"}, "z", inTree, "zombies", 65, "zombies and their parents only", partShow},
	{actGhosts, []string{"a"}, "a", inTree, "", 0, "hide or show the just dead", partShow},
	{actFailures, []string{"!"}, "!", inReaps, "failures", 65, "failures only", partShow},
	{actFilter, []string{"/"}, "/", inLists, "filter", 55, "show lines with these words; Esc clears", partShow},
	{actPause, []string{"p"}, "p", everywhere, "pause", 50, "hold the screen still; events keep coming in", partShow},

	{actMouse, []string{"m"}, "m", everywhere, "", 0, "give the mouse back to the terminal, to select text", partElse},
	{actHelp, []string{"?", "f1"}, "?", everywhere, "help", 90, "this help", partElse},
	{actBack, []string{"esc"}, "Esc", everywhere, "", 0, "close the help, clear the filter; never quits", partElse},
	{actQuit, []string{"q"}, "q", everywhere, "quit", 80, "close the help, or quit", partElse},
	{actInterrupt, []string{"ctrl+c", "f10"}, "^C", everywhere, "", 0, "quit", partElse},
}

// lookup finds what a key does in a view.
func lookup(v view, key string) action {
	for i := range bindings {
		b := &bindings[i]
		if !b.in.has(v) {
			continue
		}
		for _, k := range b.keys {
			if k == key {
				return b.act
			}
		}
	}
	return noAction
}
