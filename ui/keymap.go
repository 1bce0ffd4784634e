package ui

// view is one of the screens.
type view uint8

const (
	overview view = iota
	treeView
	zombieView
	reapView
	detailView // one process; it has no tab, it lies over the view it was opened in
	views
	tabs = detailView // the views to choose from
)

var viewNames = [views]string{"Overview", "Tree", "Zombies", "Reaps", "Detail"}

// where is a set of views.
type where uint8

const (
	inOverview where = 1 << overview
	inTree     where = 1 << treeView
	inZombies  where = 1 << zombieView
	inReaps    where = 1 << reapView
	inDetail   where = 1 << detailView
	inLists          = inTree | inZombies | inReaps
	inScrolled       = inLists | inDetail
	everywhere       = inOverview | inScrolled
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
	actDetail
	actGoto
	actOwner
	actEarlier
	actLater
	actFollow
	actNext
	actPrev
	actFold
	actUnfold
	actToggle
	actToggleAll
	actFlat
	actPath
	actZombiesOnly
	actFailures
	actGhosts
	actFilter
	actSort
	actInvert
	actSortLeft
	actSortRight
	actPause
	actPlay
	actFaster
	actSlower
	actStep
	actStepBack
	actLeap
	actLeapBack
	actSeek
	actSignal
	actCopy
	actWrite
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

// offers reports whether a binding has a meaning here and now.
func (m *model) offers(b *binding) bool {
	switch b.act {
	case actPlay, actFaster, actSlower, actStep, actStepBack, actLeap, actLeapBack, actSeek:
		return b.in.has(m.view) && m.scrubber() != nil
	case actPause:
		return b.in.has(m.view) && m.scrubber() == nil
	case actSignal:
		return b.in.has(m.view) && m.scrubber() == nil && !m.opt.Readonly && !m.overDead()
	case actFollow:
		return b.in.has(m.view) && !m.overDead()
	}
	return b.in.has(m.view)
}

// overDead reports whether the Detail is that of a process that is not there any more.
func (m *model) overDead() bool {
	return m.view == detailView && (m.detail.gone || !m.detail.known)
}

const (
	partMove = "Move"
	partView = "Views"
	partShow = "Show"
	partTime = "Time"
	partElse = "Program"
)

var bindings = []binding{
	{actUp, []string{"up", "k"}, "k ↑", inScrolled, "", 0, "up", partMove},
	{actDown, []string{"down", "j"}, "j ↓", inScrolled, "", 0, "down", partMove},
	{actPageUp, []string{"pgup", "ctrl+b"}, "PgUp", inScrolled, "", 0, "a page up", partMove},
	{actPageDown, []string{"pgdown", "ctrl+f"}, "PgDn", inScrolled, "", 0, "a page down", partMove},
	{actHalfUp, []string{"ctrl+u"}, "^U", inScrolled, "", 0, "half a page up", partMove},
	{actHalfDown, []string{"ctrl+d"}, "^D", inScrolled, "", 0, "half a page down", partMove},
	{actTop, []string{"home", "g"}, "g Home", inScrolled, "", 0, "to the first line", partMove},
	{actBottom, []string{"end", "G"}, "G End", inTree | inZombies | inDetail, "", 0, "to the last line", partMove},
	{actBottom, []string{"end", "G"}, "G End", inReaps, "newest", 70, "to the newest reap, and stay there", partMove},
	{actGoto, []string{":"}, ":", everywhere, "", 0, "to a PID: :812 Enter", partMove},
	{actOwner, []string{"J"}, "J", inScrolled, "parent", 35, "to the parent that owns it", partMove},
	{actNext, []string{"n"}, "n", inLists, "", 0, "next match; or next zombie, failure", partMove},
	{actPrev, []string{"N"}, "N", inLists, "", 0, "match before", partMove},
	{actEarlier, []string{"["}, "[", everywhere, "", 0, "back to where you were", partMove},
	{actLater, []string{"]"}, "]", everywhere, "", 0, "forward again", partMove},

	{actView1, []string{"1"}, "1", everywhere, "", 0, "Overview: what is going on, in figures", partView},
	{actView2, []string{"2"}, "2", everywhere, "", 0, "Tree: every process under its parent", partView},
	{actView3, []string{"3"}, "3", everywhere, "", 0, "Zombies: by the parent that should wait", partView},
	{actView4, []string{"4"}, "4", everywhere, "", 0, "Reaps: every death pid1 saw to", partView},
	{actNextView, []string{"tab"}, "Tab", everywhere, "views", 40, "the next view", partView},
	{actPrevView, []string{"shift+tab"}, "S-Tab", everywhere, "", 0, "the view before", partView},
	{actDetail, []string{"enter"}, "Enter", inLists, "detail", 75, "everything about one process", partView},

	{actFold, []string{"h", "left"}, "h ←", inTree | inZombies, "", 0, "fold; on a folded line, go to the parent", partShow},
	{actUnfold, []string{"l", "right"}, "l →", inTree | inZombies, "", 0, "unfold; on an unfolded line, go inside", partShow},
	{actToggle, []string{"space"}, "Space", inTree | inZombies, "fold", 60, "fold or unfold", partShow},
	{actToggleAll, []string{"*"}, "*", inTree | inZombies, "", 0, "fold everything, or unfold it", partShow},
	{actZombiesOnly, []string{"z"}, "z", inTree, "zombies", 65, "zombies and their parents only", partShow},
	{actFlat, []string{"t"}, "t", inTree, "", 0, "a flat list, or the tree", partShow},
	{actPath, []string{"P"}, "P", inTree | inReaps, "", 0, "programs with their folders, or without", partShow},
	{actGhosts, []string{"a"}, "a", inTree, "", 0, "hide or show the just dead", partShow},
	{actFailures, []string{"!"}, "!", inReaps, "failures", 65, "failures only", partShow},
	{actFilter, []string{"/"}, "/", inLists, "filter", 55, "show matching lines only; Esc clears", partShow},
	{actSort, []string{"s"}, "s", inLists, "sort", 30, "choose columns, and the one to sort by", partShow},
	{actInvert, []string{"I"}, "I", inLists, "", 0, "the other way round", partShow},
	{actSortLeft, []string{"<"}, "<", inLists, "", 0, "sort by the column before", partShow},
	{actSortRight, []string{">"}, ">", inLists, "", 0, "sort by the next column", partShow},
	{actFollow, []string{"F"}, "F", inLists | inDetail, "follow", 25, "follow it, and be told of its end", partShow},
	{actPause, []string{"p"}, "p", everywhere, "pause", 50, "hold the screen; events keep coming in", partShow},

	{actPlay, []string{"p"}, "p", everywhere, "play", 50, "let time go on, or stand still", partTime},
	{actStep, []string{"."}, ".", everywhere, "event", 20, "one event on", partTime},
	{actStepBack, []string{","}, ",", everywhere, "", 0, "one event back", partTime},
	{actLeap, []string{"}"}, "}", everywhere, "", 0, "ten seconds on", partTime},
	{actLeapBack, []string{"{"}, "{", everywhere, "", 0, "ten seconds back", partTime},
	{actSeek, []string{"b"}, "b", everywhere, "time", 22, "to a time: 15:04:05, -5m, +30s", partTime},
	{actFaster, []string{"+"}, "+", everywhere, "", 0, "play twice as fast", partTime},
	{actSlower, []string{"-"}, "-", everywhere, "", 0, "play half as fast", partTime},

	{actSignal, []string{"K", "f9"}, "K F9", inTree | inZombies | inDetail, "signal", 45, "send a signal; asks first", partElse},
	{actCopy, []string{"y"}, "y", everywhere, "", 0, "copy the line to the clipboard", partElse},
	{actWrite, []string{"w"}, "w", everywhere, "", 0, "write all of the view to a file", partElse},
	{actMouse, []string{"m"}, "m", everywhere, "", 0, "mouse to the terminal, to select text", partElse},
	{actHelp, []string{"?", "f1"}, "?", everywhere, "help", 90, "this help", partElse},
	{actBack, []string{"esc"}, "Esc", everywhere, "", 0, "clear the filter, then close; no quit", partElse},
	{actQuit, []string{"q"}, "q", everywhere, "quit", 80, "close what is open, or quit", partElse},
	{actInterrupt, []string{"ctrl+c", "f10"}, "^C F10", everywhere, "", 0, "quit", partElse},
}

// lookup finds what a key does here and now.
func (m *model) lookup(key string) action {
	for i := range bindings {
		b := &bindings[i]
		if !m.offers(b) {
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
