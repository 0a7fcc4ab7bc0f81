#include "genmd/SwitchingPlan.h"
#include "openmm/OpenMMException.h"
#include <cmath>
#include <string>

using namespace OpenMM;
using namespace std;

static const double TOLERANCE = 1e-9;

void SwitchingPlan::addChange(double progress) {
    entries.push_back({Entry::Change, progress, 0});
}

void SwitchingPlan::addLeap() {
    entries.push_back({Entry::Leap, 0.0, 0});
}

void SwitchingPlan::addPropagate(int numSteps) {
    entries.push_back({Entry::Propagate, 0.0, numSteps});
}

int SwitchingPlan::getNumSteps() const {
    int total = 0;
    for (const Entry& entry : entries)
        total += entry.numSteps;
    return total;
}

int SwitchingPlan::getNumBlocks() const {
    int blocks = 0;
    for (const Entry& entry : entries)
        blocks += entry.kind == Entry::Propagate;
    return blocks;
}

void SwitchingPlan::requireReversible() const {
    const string prefix = "The list of a switching protocol ";
    if (entries.empty())
        throw OpenMMException(prefix + "is empty");
    if (entries.front().kind == Entry::Propagate || entries.back().kind == Entry::Propagate)
        throw OpenMMException(prefix + "must start and end with an instantaneous change: MD outside of the first and "
                                       "the last one makes the way back another one than the way there");
    vector<double> progress;
    double now = 0;
    for (const Entry& entry : entries) {
        if (entry.kind == Entry::Change)
            now = entry.progress;
        progress.push_back(now);
    }
    bool isDrag = fabs(now) > TOLERANCE;
    for (int i = 0, j = entries.size() - 1; i <= j; i++, j--) {
        double mirrored = isDrag ? now - progress[j] : progress[j];
        bool isMirrored = entries[i].kind == entries[j].kind && entries[i].numSteps == entries[j].numSteps;
        if (entries[i].kind == Entry::Propagate)
            isMirrored = isMirrored && fabs(progress[i] - mirrored) <= TOLERANCE;
        if (!isMirrored)
            throw OpenMMException(prefix + "must be the reverse move when read backwards, but entries " + to_string(i) +
                                  " and " + to_string(j) + " do not mirror each other");
    }
}
